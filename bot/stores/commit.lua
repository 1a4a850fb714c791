-- commit: a turn is over. Its batch becomes history, its reply waits in the outbox.
-- KEYS history wip lease out state dead dead_index turn
-- ARGV token, turn, conversation, mode (append | clear | bury), reply or '', trim, expire_ms, window, language, lease_ms,
--   reason (why it is dead or heard, or ''), paused ('-': as it was), day, messages, tokens (what counts against a quota), then history entries
-- Returns committed | refused. A second run finds the turn committed and says so again.
local history, wip, lease, out, state, dead, dead_index = unpack(KEYS)
local turn, mode, reply = tonumber(ARGV[2]), ARGV[4], ARGV[5]
if turn <= (tonumber(redis.call('HGET', state, 'committed')) or 0) then return 'committed' end
local holder = redis.call('GET', lease)
if holder ~= ARGV[1] then
  -- A lease that ran out and that nobody took (Redis was away) is still ours: what was thought is not paid for twice.
  -- (The turn's number alone does not say that it is ours: whoever was erased begins anew with 1.)
  local current = redis.call('EXISTS', wip) == 1 and turn == tonumber(redis.call('GET', KEYS[8]))
    and redis.call('HGET', state, 'thinker') == ARGV[1]
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
  redis.call('HSET', state, 'dead_reason', ARGV[11])
elseif ARGV[11] ~= '' then
  redis.call('HINCRBY', 'recado:counts', 'heard', 1)
end
for i = 16, #ARGV do redis.call('RPUSH', history, ARGV[i]) end
if #ARGV >= 16 then
  redis.call('LTRIM', history, -ARGV[6], -1)
  redis.call('PEXPIRE', history, ARGV[7])
end
if reply ~= '' then redis.call('RPUSH', out, reply) end
redis.call('DEL', wip)
redis.call('HSET', state, 'committed', turn)
if ARGV[8] ~= '' then redis.call('HSET', state, 'window', ARGV[8]) end
if ARGV[9] ~= '' then redis.call('HSET', state, 'language', ARGV[9]) end
if ARGV[12] == '' then redis.call('HDEL', state, 'paused') elseif ARGV[12] ~= '-' then redis.call('HSET', state, 'paused', ARGV[12]) end
if ARGV[13] ~= '' then
  if redis.call('HGET', state, 'quota_day') ~= ARGV[13] then
    redis.call('HDEL', state, 'quota_messages', 'quota_tokens', 'quota_told')
    redis.call('HSET', state, 'quota_day', ARGV[13])
  end
  redis.call('HINCRBY', state, 'quota_messages', ARGV[14])
  redis.call('HINCRBY', state, 'quota_tokens', ARGV[15])
end
if ARGV[11] == 'quota' and reply ~= '' then redis.call('HSET', state, 'quota_told', '1') end
for _, line in ipairs({'models', 'suspects'}) do redis.call('ZREM', 'recado:line:' .. line, ARGV[3]) end
-- Whoever wrote more meanwhile is told only once of the same outage.
if redis.call('EXISTS', key(ARGV[3], 'in')) == 0 then redis.call('HDEL', state, 'told') end
redis.call('HDEL', state, 'tries', 'waits', 'think_at', 'think_wait', 'thinker', 'suspect', 'deaths', 'strikes',
  'line_at', 'number:models', 'number:suspects')
return 'committed'
