-- settle: a platform's status names a bubble: one whose outcome nobody knows, or one that was taken and does not arrive,
-- because its person must write first. It starts no turn.
-- KEYS due lease out state spoken turn   ARGV bell, at, conversation, id, turn, index, outcome, wait_ms, platform's id or ''
-- Returns 1 when the bubble was waiting for this, else 0: what was settled before stays as it was.
local due, lease, out, state, spoken = unpack(KEYS)
local bell = cjson.decode(ARGV[1])
bell.at = ARGV[2]
local conversation, id, turn, index, outcome, bubble = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[9]
local name = piece(turn, index)
local known = redis.call('HGET', state, name) or ''

-- What was said comes back to be said once more, if it is this very bubble. Behind others, or when the person has
-- written meanwhile, it is simply tried again.
local function recall()
  local sent = 'sent:' .. bubble
  if bubble == '' or outcome ~= 'parked' then return false end
  if waits(out, turn) then
    if known ~= sent then return false end
  elseif not respeak(out, state, spoken, KEYS[6], turn, index, sent) then
    return false
  end
  redis.call('HDEL', state, name)
  local first = turn_of(redis.call('LINDEX', out, 0)) == turn
  if first and redis.call('EXISTS', key(conversation, 'in'), key(conversation, 'wip')) == 0 then
    note(out, state, spoken, turn, index, outcome, tonumber(ARGV[8]))
  end
  return true
end

if known == 'sending:' .. id or known == 'unknown:' .. id then
  redis.call('HDEL', state, 'speak_at', 'speak_wait')
  note(out, state, spoken, turn, index, outcome, tonumber(ARGV[8]))
elseif not recall() then
  if outcome ~= 'sent' then redis.call('HINCRBY', COUNTS, 'failed', 1) end  -- taken, and yet the person will not get it
  return 0
end
if redis.call('EXISTS', lease) == 0 then
  redis.call('ZADD', due, 'LT', milliseconds() + 1000, conversation)
  ring(bell, conversation)
end
return 1
