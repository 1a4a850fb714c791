-- owner: the owner is told something, once.
-- KEYS once   ARGV bell, at, the owner's conversation ('': there is none), reply, remembered_ms
-- Returns 1 when it is told now. A second run finds it told.
if not redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[5]) then return 0 end
if ARGV[3] == '' then
  redis.call('HINCRBY', 'recado:counts', 'untold', 1)
  return 1
end
local bell = cjson.decode(ARGV[1])
bell.at = ARGV[2]
local conversation = post(ARGV[3], ARGV[4])
if redis.call('EXISTS', key(conversation, 'lease')) == 0 then ring(bell, conversation) end
return 1
