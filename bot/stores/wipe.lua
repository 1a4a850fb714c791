-- wipe: bubbles go from the chat page, for good. A second run finds none of them.
-- KEYS page turn   ARGV ms to live, then the bubbles (none: all, and whatever of a turn that was begun would still come)
local page, turn = KEYS[1], KEYS[2]
if redis.call('EXISTS', page) == 0 then return 0 end
for i = 2, #ARGV do redis.call('HDEL', page, 'b:' .. ARGV[i]) end
if #ARGV == 1 then
  for _, name in ipairs(redis.call('HKEYS', page)) do
    if string.match(name, '^b:') then redis.call('HDEL', page, name) end
  end
  redis.call('HDEL', page, 'typing')
  redis.call('HSET', page, 'cleared', redis.call('GET', turn) or 0)
end
changed(page, ARGV[1])
return 1
