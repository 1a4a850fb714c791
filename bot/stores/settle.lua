-- settle: a platform's status names a bubble: one whose outcome nobody knows, or one that was taken and does not arrive.
-- It starts no turn.
-- ARGV bell, at, conversation by its names at the platform as JSON, id, turn, index, outcome (sent | failed | parked | again | halted),
--   platform's id or '', the platform's code of the trouble ('0': none), its words, first_ms of a hold, then what the
--   meter is told ('' first: nothing)
-- again: certainly not shown, and to be sent once more, a few times. halted: the same, and nothing else goes out from
-- that account. parked: the same, when its person has written.
-- Returns 1 when the bubble was waiting for this, else 0: what was settled before stays as it was.
local AGAIN_MOST, AGAIN_MS, AGAIN_LONGEST = 8, 5000, 300000
local bell = cjson.decode(ARGV[1])
bell.at = ARGV[2]
local id, turn, index, outcome, bubble, code = ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local name, back = piece(turn, index), 'back:' .. turn .. ':' .. index
-- What was delivered is not said again, whatever else is told of it.
if ARGV[12] ~= '' and meter(unpack(ARGV, 12, 19)) > 1 then outcome, code = 'sent', '0' end
local repeated = false
local returns = outcome == 'parked' or outcome == 'again' or outcome == 'halted'

-- How often the bubble has come back so far, and the platform's id that it had last.
local function backs(spoken)
  local count, last = string.match(redis.call('HGET', spoken, back) or '0||', '^(%d+)|%x*|(.*)$')
  return tonumber(count), last
end

-- Whether it may come back: as long as nothing goes out from its account, as often as that takes.
local function may_return(spoken)
  return returns and (outcome == 'halted' or backs(spoken) < AGAIN_MOST)
end

-- It comes back once more. Returns how long it waits, and how often that was.
local function come_back(spoken)
  local count = backs(spoken) + (outcome == 'halted' and 0 or 1)
  redis.call('HSET', spoken, back, count .. '|' .. id .. '|' .. bubble)
  redis.call('PEXPIRE', spoken, SPOKEN_MS)
  return outcome == 'again' and math.min(AGAIN_LONGEST, AGAIN_MS * 2 ^ (count - 1)) or 0, count
end

-- The platform wants that the person writes first; who has since the bubble was begun need not.
local function close(state, begun)
  local heard = redis.call('HGET', state, 'number') or '0'
  if tonumber(heard) <= (tonumber(begun) or tonumber(heard)) then redis.call('HSET', state, 'closed', heard) end
end

-- Nobody knew what became of it: now we do.
local function clear_up(conversation, state, spoken)
  local out, begun = key(conversation, 'out'), redis.call('HGET', state, 'begun_at')
  redis.call('HDEL', state, 'speak_at', 'speak_wait', 'held')
  if may_return(spoken) then
    local wait, count = come_back(spoken)
    if outcome == 'parked' then close(state, begun) end
    note(out, state, spoken, turn, index, 'staged', wait, nil, code, tostring(count))
  else
    local sent = bubble ~= '' and 'sent:' .. bubble or 'sent'
    note(out, state, spoken, turn, index, outcome == 'sent' and sent or 'failed', 0, nil, code)
  end
end

-- What was said comes back to be said once more, if it is this very bubble. Behind others it waits its turn.
local function recall(conversation, state, spoken, known)
  local out, sent = key(conversation, 'out'), 'sent:' .. bubble
  if bubble == '' or not may_return(spoken) then return false end
  if waits(out, turn) then
    if known ~= sent or is_beyond(out, turn, index) then return false end
  elseif not respeak(out, state, spoken, key(conversation, 'turn'), turn, index, sent) then
    return false
  end
  local wait = come_back(spoken)
  redis.call('HDEL', state, name)
  if code ~= '0' then redis.call('HINCRBY', COUNTS, 'code:' .. code, 1) end
  if turn_of(redis.call('LINDEX', out, 0)) ~= turn then return true end
  local idle = redis.call('EXISTS', key(conversation, 'in'), key(conversation, 'wip')) == 0
  if outcome == 'parked' and idle then close(state) end
  if wait > 0 then redis.call('HSET', state, 'speak_at', milliseconds() + wait, 'speak_wait', wait) end
  return true
end

-- Whether this conversation has that bubble, and it was waiting for this.
local function settle(conversation)
  local state, spoken = key(conversation, 'state'), key(conversation, 'spoken')
  local known, _, last = redis.call('HGET', state, name) or '', backs(spoken)
  repeated = returns and bubble ~= '' and last == bubble
  if repeated then return true end
  if known == 'sending:' .. id or known == 'unknown:' .. id or known == 'parked:' .. id then
    clear_up(conversation, state, spoken)
  elseif not recall(conversation, state, spoken, known) then
    return false
  end
  if redis.call('EXISTS', key(conversation, 'lease')) == 0 then
    redis.call('ZADD', 'recado:due', 'LT', milliseconds() + 1000, conversation)
    ring(bell, conversation)
  end
  return true
end

-- A status names its person as the platform does; they may have another name here, and the name may be another's by now.
local found
for _, plain in ipairs(cjson.decode(ARGV[3])) do
  local own = redis.call('HGET', 'recado:alias', plain) or plain
  local former = string.match(redis.call('HGET', 'recado:former', plain) or '', '^(.*)|')
  found = found or (settle(own) and own) or (own ~= plain and settle(plain) and plain)
    or (former and former ~= own and settle(former) and former)
end
if not found then
  if outcome ~= 'sent' then  -- taken, and yet the person will not get it
    for _, plain in ipairs(tonumber(index) == 0 and cjson.decode(ARGV[3]) or {}) do
      report(key(redis.call('HGET', 'recado:alias', plain) or plain, 'state'), turn, 'failed')
    end
    redis.call('HINCRBY', COUNTS, 'failed', 1)
    if code ~= '0' then redis.call('HINCRBY', COUNTS, 'code:' .. code, 1) end
  end
end
-- What was told before is no news of the account, which may be well by now.
local account = account_of(cjson.decode(ARGV[3])[1])
if found and outcome == 'halted' and not repeated then
  halt(account, ARGV[10], code, '', ARGV[11], id, milliseconds())
  redis.call('HSET', hold_of(account), 'late', '1')
elseif outcome ~= 'halted' then
  heard_of(bell, account, id, milliseconds())
end
return found and 1 or 0
