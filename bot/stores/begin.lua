-- begin: this bubble is about to be sent by the holder of the lease, within the platform's limits.
-- KEYS lease state   ARGV token, piece, then per limit: key, count, window_ms
-- Returns {go} | {lost} | {wait, ms}. The limits (GCRA) are shared by all workers; a second run takes
-- a second permit at worst, which is the safe side.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'lost'} end
local now = milliseconds()
local wait, arrivals = 0, {}
for i = 3, #ARGV, 3 do
  local interval = ARGV[i + 2] / ARGV[i + 1]
  local arrival = math.max(now, tonumber(redis.call('GET', ARGV[i])) or 0)
  -- A time further ahead than a whole window proves that the clock went back.
  if arrival > now + ARGV[i + 2] then arrival = now end
  wait = math.max(wait, arrival + interval - now - ARGV[i + 2])
  arrivals[ARGV[i]] = {arrival + interval, ARGV[i + 2]}
end
if wait > 0 then return {'wait', math.ceil(wait)} end
for name, arrival in pairs(arrivals) do
  redis.call('SET', name, arrival[1], 'PX', math.ceil(2 * arrival[2]))
end
redis.call('HSET', KEYS[2], ARGV[2], 'sending')
return {'go'}
