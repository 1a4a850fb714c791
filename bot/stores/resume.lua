-- resume: the assistant answers again where a person of the business had taken over.
-- KEYS state   ARGV conversation, then the reasons that it ends
-- Returns 1 when it was paused for one of them. A second run finds that it is not.
local paused = redis.call('HGET', KEYS[1], 'paused')
for i = 2, #ARGV do
  if paused == ARGV[i] then
    end_pause(ARGV[1])
    -- Whoever looks next gives what is known of the conversation its end again.
    redis.call('ZADD', 'recado:due', 'NX', milliseconds(), ARGV[1])
    return 1
  end
end
return 0
