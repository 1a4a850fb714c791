-- retry: a conversation's dead letters are accepted once more, behind whatever waits, in the order in which they died.
-- KEYS due dead dead_index in state turn lease wip   ARGV bell, at, conversation, grace_ms
-- Returns how many. A second run finds no letters and changes nothing.
local due, dead, dead_index, inbox, state, turn, lease, wip = unpack(KEYS)
local bell = cjson.decode(ARGV[1])
bell.at = ARGV[2]
local conversation = ARGV[3]
local letters = redis.call('LRANGE', dead, 0, -1)
redis.call('ZREM', dead_index, conversation)
if #letters == 0 then return 0 end
local now = milliseconds()
for _, letter in ipairs(letters) do
  local version, rest = string.match(letter, '^(%d+)|%d+|%d+|(.*)$')
  local number = redis.call('HINCRBY', state, 'number', 1)
  redis.call('RPUSH', inbox, version .. '|' .. number .. '|' .. now .. '|' .. rest)
end
redis.call('DEL', dead)
begin_to_wait(conversation, now)
redis.call('HDEL', state, 'dead_reason')
redis.call('PERSIST', state)
redis.call('PERSIST', turn)
redis.call('ZADD', due, 'NX', now + ARGV[4], conversation)
if redis.call('EXISTS', lease, wip) == 0 then
  redis.call('ZADD', due, 'LT', now + ARGV[4], conversation)
  ring(bell, conversation)
end
return #letters
