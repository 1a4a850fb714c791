-- commit: a turn is over. Its batch becomes history, its reply waits in the outbox.
-- KEYS history wip lease out state dead dead_index turn spoken
-- ARGV token, conversation, reply or '', what else there is as JSON, then history entries. What else:
--   turn, mode (append | clear | bury | erase), trim, expire_ms, lease_ms, window, language, revision (of the batch as it was thought),
--   reason (why it is dead or heard), paused ('': it is answered again), pause_ms (0: no end), day, tokens, shares (what counts against whose
--   quota: the end of their names, messages, tokens), stopped (its person ended it), forgets (the number of a turn that
--   leaves the history), erases (the person of whom all must go), notes (fields of state; '': the field goes),
--   admission (a stranger who is let in), aside (what is done in other conversations: see aside)
-- Returns committed | refused | revised (the batch reads differently by now, or its aside cannot be carried out). A second run finds the turn committed and
-- says so again.
local history, wip, lease, out, state, dead, dead_index, turn_key, spoken = unpack(KEYS)
local conversation, reply, it = ARGV[2], ARGV[3], cjson.decode(ARGV[4])
if it.turn <= (tonumber(redis.call('HGET', state, 'committed')) or 0) then return 'committed' end
local holder = redis.call('GET', lease)
if holder ~= ARGV[1] then
  -- A lease that ran out and that nobody took (Redis was away) is still ours: what was thought is not paid for twice.
  -- (The turn's number alone does not say that it is ours: whoever was erased begins anew with 1.)
  local current = redis.call('EXISTS', wip) == 1 and it.turn == tonumber(redis.call('GET', turn_key))
    and redis.call('HGET', state, 'thinker') == ARGV[1]
  if holder or not current then return 'refused' end
  redis.call('SET', lease, ARGV[1], 'PX', it.lease_ms)
end
if (redis.call('HGET', state, 'revision') or '') ~= it.revision then return 'revised' end
if it.aside and hindered(it.aside, conversation, it.expire_ms) then return 'revised' end

-- A question that is thought anew goes with its old answer, in the step in which the new ones come.
local function forget(number)
  local said = redis.call('LRANGE', history, 0, -1)
  for i = #said, 1, -1 do
    local entry = cjson.decode(said[i])
    if entry.n == number then redis.call('LREM', history, -1, said[i]) end
    if entry.n < number then return end
  end
end

-- A turn as it is remembered, with when its question was accepted or its answer was committed.
local function dated(turn, asked)
  local at = string.find(turn, '"r":"user"', 1, true) and asked or milliseconds()
  return string.sub(turn, 1, -2) .. ',"a":' .. string.format('%.0f', at) .. '}'
end

-- All that is here goes at once, but for what is said next and what that needs; the rest is on the list of who carries it out.
local function erase()
  local kept = {}
  for _, name in ipairs({'number', 'address', 'heard_at', 'gone'}) do
    local value = redis.call('HGET', state, name)
    if value then kept[#kept + 1], kept[#kept + 2] = name, value end
  end
  local known = redis.call('HGETALL', state)
  for i = 1, #known, 2 do  -- a bubble that was begun stays without the rest of its text
    if string.match(known[i], '^piece:') and string.match(known[i + 1], '^open:') then
      redis.call('HINCRBY', 'recado:counts', 'stray', 1)
    end
  end
  redis.call('DEL', history, dead, out, spoken, state)
  for _, part in ipairs({'names', 'raw', 'page'}) do redis.call('DEL', key(conversation, part)) end
  redis.call('ZREM', dead_index, conversation)
  redis.call('ZREM', PAUSED, conversation)
  redis.call('HSET', state, 'erased', '1', unpack(kept))
  redis.call('HSET', 'recado:erasing', conversation, it.erases)
end

if it.mode == 'clear' then
  redis.call('DEL', history)
  redis.call('HDEL', state, 'window')
elseif it.mode == 'bury' then
  for _, message in ipairs(redis.call('LRANGE', wip, 0, -1)) do redis.call('RPUSH', dead, message) end
  redis.call('ZADD', dead_index, milliseconds(), conversation)
  redis.call('HINCRBY', 'recado:counts', 'dead', 1)
  redis.call('HSET', state, 'dead_reason', it.reason)
elseif it.mode == 'erase' then
  erase()
elseif it.reason ~= '' then
  redis.call('HINCRBY', 'recado:counts', 'heard', 1)
end
if it.mode ~= 'erase' then redis.call('HDEL', state, 'erased') end
if it.forgets then forget(it.forgets) end
local asked = string.match(redis.call('LINDEX', wip, 0) or '', '^%d+|%d+|(%d+)')
for i = 5, #ARGV do redis.call('RPUSH', history, dated(ARGV[i], asked)) end
if #ARGV >= 5 then
  redis.call('LTRIM', history, -it.trim, -1)
  redis.call('PEXPIRE', history, it.expire_ms)
end
if reply ~= '' then redis.call('RPUSH', out, reply) end
redis.call('DEL', wip)
wait_on(conversation)
redis.call('HSET', state, 'committed', it.turn)
if it.window then redis.call('HSET', state, 'window', it.window) end
if it.language ~= '' and it.mode ~= 'erase' then redis.call('HSET', state, 'language', it.language) end
if it.paused then
  end_pause(conversation)
  if it.paused ~= '' and it.pause_ms > 0 then
    pause(conversation, it.paused, milliseconds(), it.pause_ms)
  elseif it.paused ~= '' then
    redis.call('HSET', state, 'paused', it.paused)
  end
end
if it.stopped then
  redis.call('HSET', state, 'halted', redis.call('HGET', state, 'stop') or 0)
  redis.call('HINCRBY', 'recado:counts', 'stopped', 1)
end
for name, value in pairs(it.notes) do
  if value == '' then redis.call('HDEL', state, name) else redis.call('HSET', state, name, value) end
end
if it.day ~= '' then
  if redis.call('HGET', state, 'quota_day') ~= it.day then
    for _, name in ipairs(redis.call('HKEYS', state)) do
      if string.match(name, '^quota_') then redis.call('HDEL', state, name) end
    end
    redis.call('HSET', state, 'quota_day', it.day)
  end
  local today, messages = 'recado:day:' .. it.day, 0
  for i = 1, #it.shares, 3 do
    redis.call('HINCRBY', state, 'quota_messages' .. it.shares[i], it.shares[i + 1])
    redis.call('HINCRBY', state, 'quota_tokens' .. it.shares[i], it.shares[i + 2])
    messages = messages + it.shares[i + 1]
  end
  redis.call('HINCRBY', today, 'answers', 1)
  redis.call('HINCRBY', today, 'messages', messages)
  redis.call('HINCRBY', today, 'tokens', it.tokens)
  redis.call('PEXPIRE', today, 172800000)
end
if #it.admission > 0 then admit(unpack(it.admission)) end
if it.aside then carry_out(it.aside, conversation) end
for _, line in ipairs({'models', 'suspects'}) do redis.call('ZREM', 'recado:line:' .. line, conversation) end
-- Whoever wrote more meanwhile is told only once of the same outage.
if redis.call('EXISTS', key(conversation, 'in')) == 0 then redis.call('HDEL', state, 'told') end
redis.call('HDEL', state, 'tries', 'waits', 'think_at', 'think_wait', 'thinker', 'suspect', 'deaths', 'strikes',
  'line_at', 'number:models', 'number:suspects', 'revision', 'why')
return 'committed'
