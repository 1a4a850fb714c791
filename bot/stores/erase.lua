-- erase: a conversation goes, whole, in one step, so that no worker's later step finds anything to add to.
-- KEYS first the conversation's own (as many as `own`), then those shared with others   ARGV own, conversation
-- Returns {how many keys of its own went, 1 if a worker had it}. A second run finds nothing.
local own, conversation = tonumber(ARGV[1]), ARGV[2]
local held = 0
for i = 1, own do
  if string.match(KEYS[i], ':lease$') and redis.call('EXISTS', KEYS[i]) == 1 then held = 1 end
end
local gone = redis.call('DEL', unpack(KEYS, 1, own))
for _, index in ipairs({'recado:waiting', 'recado:listening', 'recado:paused'}) do  -- it may be new since somebody looked
  redis.call('ZREM', index, conversation)
end
local remove = {
  zset = function(shared) redis.call('ZREM', shared, conversation) end,
  set = function(shared) redis.call('SREM', shared, conversation) end,
  list = function(shared) redis.call('LREM', shared, 0, conversation) end,
  hash = function(shared) redis.call('HDEL', shared, conversation) end,
}
for i = own + 1, #KEYS do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if remove[kind] then remove[kind](KEYS[i]) end
end
return {gone, held}
