-- commit: a turn is over. Its batch becomes history, its reply waits in the outbox.
-- KEYS history wip lease out state dead dead_index turn
-- ARGV token, turn, conversation, mode (append | clear | bury), reply or '', trim, expire_ms, window, language, lease_ms, then history entries
-- Returns committed | refused. A second run finds the turn committed and says so again.
local history, wip, lease, out, state, dead, dead_index = unpack(KEYS)
local turn, mode, reply = tonumber(ARGV[2]), ARGV[4], ARGV[5]
if turn <= (tonumber(redis.call('HGET', state, 'committed')) or 0) then return 'committed' end
local holder = redis.call('GET', lease)
if holder ~= ARGV[1] then
  -- A lease that ran out and that nobody took (Redis was away) is still ours: what was thought is not paid for twice.
  local current = redis.call('EXISTS', wip) == 1 and turn == tonumber(redis.call('GET', KEYS[8]))
  if holder or not current then return 'refused' end
  redis.call('SET', lease, ARGV[1], 'PX', ARGV[10])
end

if mode == 'clear' then
  redis.call('DEL', history)
  redis.call('HDEL', state, 'window')
elseif mode == 'bury' then
  for _, message in ipairs(redis.call('LRANGE', wip, 0, -1)) do redis.call('RPUSH', dead, message) end
  redis.call('ZADD', dead_index, milliseconds(), ARGV[3])
  redis.call('HINCRBY', 'recado:counts', 'dead', 1)
end
for i = 11, #ARGV do redis.call('RPUSH', history, ARGV[i]) end
if #ARGV >= 11 then
  redis.call('LTRIM', history, -ARGV[6], -1)
  redis.call('PEXPIRE', history, ARGV[7])
end
if reply ~= '' then redis.call('RPUSH', out, reply) end
redis.call('DEL', wip)
redis.call('HSET', state, 'committed', turn)
if ARGV[8] ~= '' then redis.call('HSET', state, 'window', ARGV[8]) end
if ARGV[9] ~= '' then redis.call('HSET', state, 'language', ARGV[9]) end
redis.call('HDEL', state, 'tries', 'waits', 'think_at', 'think_wait', 'told')
return 'committed'
