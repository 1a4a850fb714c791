-- defer: this turn waits; nobody holds a thread for it.
-- KEYS due lease out state   ARGV token, conversation, delay_ms, counted (tries | waits), notice or '', most_ms, why or ''
-- Nothing happens when the lease is not ours (any more), but that our turn is not taken for one whose worker died.
-- The delay doubles each time, up to the limit; a turn that is to end hardly waits. The notice is told once until the turn is committed.
local STOPPED_MS = 500  -- not at once: what it waits for may be the channel, and then it comes back again and again
local due, lease, out, state = unpack(KEYS)
if redis.call('GET', lease) ~= ARGV[1] then
  if redis.call('HGET', state, 'thinker') == ARGV[1] then redis.call('HDEL', state, 'thinker', 'suspect') end
  return
end
local now = milliseconds()
local times = redis.call('HINCRBY', state, ARGV[4], 1)
local delay = math.min(BACKOFF_LIMIT, tonumber(ARGV[6]), ARGV[3] * 2 ^ math.min(times - 1, 20))
if stopped(ARGV[2]) then delay = math.min(delay, STOPPED_MS) end
redis.call('HSET', state, 'think_at', now + delay, 'think_wait', delay)
if ARGV[7] ~= '' then redis.call('HSET', state, 'why', ARGV[7]) end
local at = now + delay
if redis.call('EXISTS', out) == 1 then at = math.min(at, speak_after(state, now)) end
if ARGV[5] ~= '' and redis.call('HSETNX', state, 'told', '1') == 1 then
  redis.call('RPUSH', out, ARGV[5])
  at = now
end
redis.call('DEL', lease)
redis.call('HDEL', state, 'thinker', 'suspect')
redis.call('ZADD', due, at, ARGV[2])
