-- unquarantine: bodies leave the quarantine.
-- KEYS quarantine counts   ARGV records.   Returns how many went. A second run finds none of them.
local gone = 0
for _, record in ipairs(ARGV) do
  local copies = redis.call('LREM', KEYS[1], 0, record)
  if copies > 0 then redis.call('HINCRBY', KEYS[2], 'quarantine_bytes', -copies * #record) end
  gone = gone + copies
end
return gone
