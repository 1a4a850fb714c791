-- quarantine: an authentic body that nobody could read is kept, newest first; the oldest go when there are too many.
-- KEYS quarantine counts   ARGV record, most, most_bytes
-- A second run finds the same record on top.
local quarantine, counts = unpack(KEYS)
if redis.call('LINDEX', quarantine, 0) == ARGV[1] then return end
redis.call('LPUSH', quarantine, ARGV[1])
local bytes = redis.call('HINCRBY', counts, 'quarantine_bytes', #ARGV[1])
while redis.call('LLEN', quarantine) > tonumber(ARGV[2]) or (bytes > tonumber(ARGV[3]) and redis.call('LLEN', quarantine) > 1) do
  bytes = redis.call('HINCRBY', counts, 'quarantine_bytes', -#redis.call('RPOP', quarantine))
end
