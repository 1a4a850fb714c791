-- opened: the platform's id of an opening, stored straight after it was sent, lease or no lease.
-- KEYS state   ARGV id (as begin gave it), turn, index, bubble
-- No bubble: it certainly was not sent. Returns the bubble that counts, or '' when none is wanted any more.
-- Whoever opened it anew meanwhile has counted ours as stray.
local state, bubble = KEYS[1], ARGV[4]
local name = piece(ARGV[2], ARGV[3])
local known = redis.call('HGET', state, name) or ''
if known == 'sending:' .. ARGV[1] then
  if bubble == '' then
    redis.call('HDEL', state, name)
  else
    redis.call('HSET', state, name, 'open:' .. bubble)
  end
  return bubble
end
if bubble ~= '' and redis.call('EXISTS', state) == 0 then redis.call('HINCRBY', COUNTS, 'stray', 1) end  -- erased
return string.match(known, '^open:(.+)$') or string.match(known, '^sent:(.+)$') or ''
