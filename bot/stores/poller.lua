-- poller: one process polls a bot, by a lease. A second run finds its own token and changes nothing.
-- KEYS poller   ARGV token, lease_ms (0: leave)
-- Returns 1 when the lease is this token's now.
local holder, lease = redis.call('GET', KEYS[1]), tonumber(ARGV[2])
if holder and holder ~= ARGV[1] then
  -- A lease that lives longer than leases do proves that the clock went back.
  if lease > 0 and redis.call('PTTL', KEYS[1]) > lease then redis.call('PEXPIRE', KEYS[1], lease) end
  return 0
end
if lease == 0 then
  redis.call('DEL', KEYS[1])
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', lease)
return 1
