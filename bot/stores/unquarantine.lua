-- unquarantine: bodies leave the quarantine, or what is kept of what we do not serve.
-- KEYS quarantine (or unserved) counts   ARGV records.   Returns how many went. A second run finds none of them.
local size = string.match(KEYS[1], '[^:]+$') .. '_bytes'
local gone = 0
for _, record in ipairs(ARGV) do
  local copies = redis.call('LREM', KEYS[1], 0, record)
  if copies > 0 then redis.call('HINCRBY', KEYS[2], size, -copies * #record) end
  gone = gone + copies
end
return gone
