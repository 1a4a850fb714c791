-- quarantine: an authentic body that is not answered is kept, newest first; the oldest go when there are too many.
-- KEYS quarantine (or unserved) counts   ARGV record, most, most_bytes
-- A second run finds the same record on top.
local quarantine, counts = unpack(KEYS)
local size = string.match(quarantine, '[^:]+$') .. '_bytes'
if redis.call('LINDEX', quarantine, 0) == ARGV[1] then return end
redis.call('LPUSH', quarantine, ARGV[1])
local bytes = redis.call('HINCRBY', counts, size, #ARGV[1])
while redis.call('LLEN', quarantine) > tonumber(ARGV[2]) or (bytes > tonumber(ARGV[3]) and redis.call('LLEN', quarantine) > 1) do
  bytes = redis.call('HINCRBY', counts, size, -#redis.call('RPOP', quarantine))
end
