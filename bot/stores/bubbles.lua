-- What the scripts that speak share: the states of a reply's bubbles, in `state` as piece:<turn>:<index>.
-- nothing (staged) | sending:id | open:bubble | unknown:id | parked | sent:bubble | failed
local COUNTS = 'recado:counts'
local SPOKEN_MS, SPOKEN_MOST = 3600000, 20  -- replies that are remembered, should a late preview have to be put right

local function begins(text, start) return string.sub(text, 1, #start) == start end

local function turn_of(reply) return string.match(reply, '^%d|([^|]+)|') end

local function piece(turn, index) return 'piece:' .. turn .. ':' .. index end

-- Whether this turn's reply is in the outbox.
local function waits(out, turn)
  for _, reply in ipairs(redis.call('LRANGE', out, 0, -1)) do
    if turn_of(reply) == turn then return true end
  end
  return false
end

-- Whether a person must write before anything may be said to them: the platform has told so since they last wrote, or
-- they last wrote too long ago for it.
local function is_closed(state, window_ms, now)
  if window_ms <= 0 then return false end
  local number, closed, heard = unpack(redis.call('HMGET', state, 'number', 'closed', 'heard_at'))
  if closed and closed == (number or '0') then return true end
  heard = tonumber(heard)
  return heard ~= nil and heard + window_ms <= now
end

local function committed(state) return tonumber(redis.call('HGET', state, 'committed')) or 0 end

-- Whether a bubble before this one came back, and is still to be said.
local function must_follow(state, spoken, turn, index)
  for i = 0, index - 1 do
    local outcome = redis.call('HGET', state, piece(turn, i)) or ''
    local settled = outcome == 'failed' or begins(outcome, 'sent')
    if not settled and redis.call('HEXISTS', spoken, 'back:' .. turn .. ':' .. i) == 1 then return true end
  end
  return false
end

-- Whether this is no bubble of the reply, but the one behind the last.
local function is_beyond(out, turn, index)
  for _, reply in ipairs(redis.call('LRANGE', out, 0, -1)) do
    if turn_of(reply) == turn then
      return tonumber(index) >= #cjson.decode(string.match(reply, '^%d|[^|]+|(.*)$'))
    end
  end
  return false
end

-- All bubbles of the head are settled: it leaves the outbox, and is remembered for a while. Behind its last bubble
-- stands the one by which a person was asked to write first, if there was one.
local function close_reply(out, state, spoken, head, turn)
  local count = #cjson.decode(string.match(head, '^%d|[^|]+|(.*)$'))
  local names, bubbles = {piece(turn, count)}, {}
  for i = 0, count - 1 do
    local outcome = redis.call('HGET', state, piece(turn, i)) or ''
    if outcome ~= 'failed' and not begins(outcome, 'sent') then return 'open' end
    names[#names + 1] = piece(turn, i)
    names[#names + 1] = 'redo:' .. turn .. ':' .. i
    bubbles[#bubbles + 1] = string.match(outcome, '^sent:(.+)$') or ''
  end
  redis.call('HSET', spoken, turn, table.concat(bubbles, ',') .. '|' .. head, 'at:' .. turn, milliseconds())
  local old = math.abs(turn) - SPOKEN_MOST
  if old > 0 then redis.call('HDEL', spoken, old, -old, 'at:' .. old, 'at:' .. -old) end
  redis.call('PEXPIRE', spoken, SPOKEN_MS)
  redis.call('LPOP', out)
  redis.call('HDEL', state, 'speak_at', 'speak_wait', 'speak_tries', 'held', 'parked', 'closed', 'begun_at', 'permit',
    'permit_wait', 'permit_stage', unpack(names))
  return 'settled'
end

-- A reply that was said waits in the outbox again, its bubbles as they were settled, if the one at `index` was sent (as
-- `wanted`, where that is known; else only one that grew is). Returns whether it was.
local function respeak(out, state, spoken, turn_key, turn, index, wanted)
  local bubbles, reply = string.match(redis.call('HGET', spoken, turn) or '|', '^([^|]*)|(.*)$')
  if not wanted and not begins(reply, '2') then return false end
  local outcomes = {}
  for bubble in string.gmatch(bubbles .. ',', '([^,]*),') do
    outcomes[#outcomes + 1] = piece(turn, #outcomes / 2)
    outcomes[#outcomes + 1] = bubble == '' and 'failed' or 'sent:' .. bubble
  end
  local known = outcomes[2 * index + 2] or ''
  if not begins(known, 'sent') or known ~= (wanted or known) then return false end
  redis.call('HSET', state, unpack(outcomes))
  redis.call('RPUSH', out, reply)
  redis.call('PERSIST', state)
  redis.call('PERSIST', turn_key)
  return true
end

-- Whether this very bubble was taken after all: a status brought it back that was of an earlier try with the same id.
local function is_another_try(spoken, turn, index, before, outcome, mine)
  local id, last = string.match(redis.call('HGET', spoken, 'back:' .. turn .. ':' .. index) or '', '^%d+|(%x*)|(.+)$')
  return before == '' and id == mine and begins(outcome, 'sent:') and string.sub(outcome, 6) ~= last
end

-- What became of a bubble of the head. A wait holds back the whole outbox of this conversation. `mine` is the id under
-- which it was begun, where it was: after an erasure the same turn and index are another bubble. `code` is the
-- platform's of the trouble with it, `why` its name, and `tries` how often there has been some without success.
local function note(out, state, spoken, turn, index, outcome, wait, mine, code, tries, why)
  local head = redis.call('LINDEX', out, 0)
  local name = piece(turn, index)
  if not head or turn_of(head) ~= turn then return 'settled' end
  local before = redis.call('HGET', state, name) or ''
  if begins(before, 'sent') then return 'settled' end
  if mine and mine ~= '' and string.match(before, '^%a+:(.+)$') ~= mine
    and not is_another_try(spoken, turn, index, before, outcome, mine) then return 'settled' end
  -- Somebody else has opened it meanwhile: whoever is late knows nothing better, but that this very bubble is gone.
  local kind = string.match(outcome, '^%a+')
  -- Whoever was told to wait has begun nothing: what another has begun meanwhile is theirs.
  local theirs = mine == '' and begins(before, 'sending')
  if theirs and (kind == 'parked' or kind == 'failed') then return 'open' end
  local late = begins(before, 'open') and (kind == 'staged' or kind == 'sending' or kind == 'unknown')
  if late and outcome ~= 'staged:' .. string.sub(before, 6) then return 'open' end
  local redo = 'redo:' .. turn .. ':' .. index
  if begins(outcome, 'sent') and redis.call('HEXISTS', state, redo) == 1 then
    -- A late preview may still come: once more, after it. The next edit's begin knows that it is this one.
    redis.call('HSET', state, redo, 'due')
    outcome, wait = 'open' .. string.sub(outcome, 5), 2000
  end
  kind = string.match(outcome, '^%a+')
  local heard = tonumber(redis.call('HGET', state, 'number')) or 0
  if kind == 'parked' and heard > (tonumber(redis.call('HGET', state, 'begun_at')) or heard) then
    kind, wait = 'staged', 0  -- the person has written since it was begun: the platform takes it now
  end
  if kind ~= 'staged' then redis.call('HSET', state, name, outcome)
  elseif not theirs then redis.call('HDEL', state, name) end
  if kind == 'parked' then
    redis.call('HSETNX', state, 'parked', milliseconds())
    redis.call('HSET', state, 'closed', heard)
  end
  local news = not begins(before, kind) and (kind == 'unknown' or kind == 'failed' or kind == 'parked')
  if news then redis.call('HINCRBY', COUNTS, kind, 1) end
  if news and kind == 'failed' then
    redis.call('HSET', state, 'failed', table.concat({turn, milliseconds(), code or '0', why or ''}, '|'))
  end
  if tonumber(index) == 0 then report(state, turn, kind) end  -- not what becomes of asking them to write first
  if (tries or '') ~= '' then
    redis.call('HSET', state, 'speak_tries', tries)
  elseif kind == 'sent' or kind == 'failed' or kind == 'open' then
    redis.call('HDEL', state, 'speak_tries')
  end
  local told = news or (kind ~= 'failed' and kind ~= 'parked')
  if told and (code or '0') ~= '0' then redis.call('HINCRBY', COUNTS, 'code:' .. code, 1) end
  if wait > 0 then
    redis.call('HDEL', state, 'held')
    redis.call('HSET', state, 'speak_at', milliseconds() + wait, 'speak_wait', wait)
  end
  return close_reply(out, state, spoken, head, turn)
end
