-- take: what is to be done in this conversation now, and by whom.
-- KEYS due in wip lease turn out state   ARGV token, conversation, lease_ms, batch, quiet_ms, cap_ms, expire_ms
-- Returns {what, ...}: busy | rest | wait ms | listen ms payload address | speak reply state now |
-- think turn state now messages... (now: Redis' clock in ms)
-- The holder of the lease gets the same answer again; so does whoever comes after a crash.
local due, inbox, wip, lease, turn, out, state = unpack(KEYS)
local token, conversation, lease_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])
local now = milliseconds()

-- Whoever thought this turn before us and neither ended it nor gave it back is dead, or was cut off for too long.
-- It strikes every turn of that worker; one that was alone under suspicion is struck for itself.
local function strike()
  local thinker = redis.call('HGET', state, 'thinker')
  if not thinker or thinker == token then return end
  local alone = redis.call('HDEL', state, 'suspect') == 1
  redis.call('HINCRBY', state, alone and 'strikes' or 'deaths', 1)
  redis.call('HINCRBY', 'recado:counts', 'deaths', 1)
end

local holder = redis.call('GET', lease)
if holder and holder ~= token then
  -- A lease that lives longer than any lease proves that the clock went back: cap it.
  if redis.call('PTTL', lease) > lease_ms then
    redis.call('PEXPIRE', lease, lease_ms)
    redis.call('ZADD', due, now + lease_ms, conversation)
  end
  return {'busy'}
end

local function hold()
  redis.call('SET', lease, token, 'PX', lease_ms)
  redis.call('ZADD', due, now + lease_ms, conversation)
  redis.call('HDEL', state, 'ring_delay')
end

local function leave(at)
  redis.call('DEL', lease)
  redis.call('HDEL', state, 'ring_delay')
  redis.call('ZADD', due, at, conversation)
end

local function parse(message)
  local at, kind, payload = string.match(message, '^1|%d+|(%d+)|(%a)|(.*)$')
  return {at = tonumber(at), kind = kind, payload = payload}
end

lift_pause(conversation, state, now)
local head = redis.call('LINDEX', out, 0)
local speak_at = head and speak_after(state, now)
if head and speak_at <= now then
  hold()
  return {'speak', head, redis.call('HGETALL', state), now}
end

if redis.call('EXISTS', wip) == 1 then
  local think_at = not_before(state, 'think', now)
  if think_at > now then
    local at = speak_at and math.min(think_at, speak_at) or think_at
    leave(at)
    return {'wait', at - now}
  end
  strike()
else
  local first = redis.call('LINDEX', inbox, 0)
  if not first then
    if speak_at then
      leave(speak_at)
      return {'wait', speak_at - now}
    end
    redis.call('DEL', lease)
    redis.call('ZREM', due, conversation)
    redis.call('HDEL', state, 'ring_delay')
    come_to_rest(conversation, state, turn, ARGV[7])
    return {'rest'}
  end
  first = parse(first)
  local last = parse(redis.call('LINDEX', inbox, -1))
  local quiet_at = math.min(last.at + ARGV[5], first.at + ARGV[6])
  if quiet_at > now + ARGV[6] then quiet_at = now end  -- the clock went back
  if quiet_at > now and first.kind == 'm' and last.kind == 'm' and redis.call('LLEN', inbox) < tonumber(ARGV[4]) then
    leave(speak_at and math.min(quiet_at, speak_at) or quiet_at)
    redis.call('ZADD', LISTENING, quiet_at, conversation)
    local silent = redis.call('HEXISTS', state, 'paused') == 1 or redis.call('HEXISTS', state, 'refused') == 1
    if silent then return {'wait', quiet_at - now} end  -- no sign of listening
    return {'listen', quiet_at - now, first.payload, redis.call('HGET', state, 'address') or ''}
  end
  -- A command is a batch of its own, and so is what the business said; other messages go together up to the next one.
  local size = 0
  for _, message in ipairs(redis.call('LRANGE', inbox, 0, ARGV[4] - 1)) do
    local alone = parse(message).kind ~= 'm'
    if alone and size > 0 then break end
    size = size + 1
    redis.call('LMOVE', inbox, wip, 'LEFT', 'RIGHT')
    if alone then break end
  end
  redis.call('INCR', turn)
  redis.call('ZREM', LISTENING, conversation)
end
hold()
redis.call('HSET', state, 'thinker', token)
local answer = {'think', tonumber(redis.call('GET', turn)), redis.call('HGETALL', state), now}
for _, message in ipairs(redis.call('LRANGE', wip, 0, -1)) do answer[#answer + 1] = message end
begin_to_wait(conversation, parse(answer[5]).at)  -- known already, but to a version that did not note it
return answer
