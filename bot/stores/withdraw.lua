-- withdraw: what was said of somebody in another conversation, and is not yet delivered or was said of late, goes.
-- KEYS out state spoken   ARGV words that are in all of it
-- Whoever sends it just now takes what follows it for no other. A second run finds nothing.
local out, state, spoken = unpack(KEYS)
for place, reply in ipairs(redis.call('LRANGE', out, 0, -1)) do
  if string.find(reply, ARGV[1], 1, true) then
    redis.call('LREM', out, 1, reply)
    if place == 1 then
      local bubbles = 'piece:' .. string.match(reply, '^%d|([^|]+)|') .. ':'
      for _, name in ipairs(redis.call('HKEYS', state)) do
        if string.sub(name, 1, #bubbles) == bubbles then redis.call('HDEL', state, name) end
      end
      redis.call('HDEL', state, 'speak_at', 'speak_wait', 'speak_tries', 'held', 'parked', 'closed', 'begun_at')
    end
  end
end
local said = redis.call('HGETALL', spoken)
for i = 1, #said, 2 do
  if string.find(said[i + 1], ARGV[1], 1, true) then redis.call('HDEL', spoken, said[i]) end
end
