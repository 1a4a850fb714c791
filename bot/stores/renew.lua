-- renew: all turns of one worker keep their leases.
-- KEYS due   ARGV lease_ms, then per turn: conversation, token
-- Returns the tokens that hold nothing any more.
local lost = {}
local now = milliseconds()
for i = 2, #ARGV, 2 do
  local conversation = ARGV[i]
  local lease = key(conversation, 'lease')
  if redis.call('GET', lease) == ARGV[i + 1] then
    redis.call('PEXPIRE', lease, ARGV[1])
    redis.call('ZADD', KEYS[1], 'XX', now + ARGV[1], conversation)
  else
    lost[#lost + 1] = ARGV[i + 1]
  end
end
return lost
