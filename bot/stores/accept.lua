-- accept: every message of one request drops into its mailbox, once.
-- KEYS due   ARGV bell, now in RQ's form, seen_ms, grace_ms, then per message: seen key, conversation, kind, payload
-- Returns how many were new. A message seen before is dropped, so that a second run changes nothing.
local bell = cjson.decode(ARGV[1])
bell.at = ARGV[2]
local now = milliseconds()
local accepted = 0
for i = 5, #ARGV, 4 do
  local seen, conversation, kind, payload = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  if redis.call('SET', seen, '1', 'NX', 'PX', ARGV[3]) then
    local state = key(conversation, 'state')
    local number = redis.call('HINCRBY', state, 'number', 1)
    if redis.call('HDEL', state, 'parked') == 1 then redis.call('HDEL', state, 'speak_at', 'speak_wait') end
    if redis.call('PERSIST', state) == 1 then redis.call('PERSIST', key(conversation, 'turn')) end
    redis.call('RPUSH', key(conversation, 'in'), '1|' .. number .. '|' .. now .. '|' .. kind .. '|' .. payload)
    accepted = accepted + 1
    local first = redis.call('ZADD', KEYS[1], 'NX', now + ARGV[4], conversation) == 1
    local idle = redis.call('EXISTS', key(conversation, 'lease'), key(conversation, 'wip')) == 0
    -- A command ends the listening at once. Whoever waits only to speak may think meanwhile.
    if idle then redis.call('ZADD', KEYS[1], 'LT', now + ARGV[4], conversation) end
    if first or (idle and kind == 'c') then ring(bell, conversation) end
  end
end
return accepted
