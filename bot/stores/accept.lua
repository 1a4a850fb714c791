-- accept: every message of one request drops into its mailbox, once.
-- KEYS due   ARGV bell, now in RQ's form, seen_ms, grace_ms, then per message: seen key, conversation, kind, bubble, payload
--   kind m(essage) | c(ommand) | s(top) | e(dit); bubble: the one that an edit puts right, or that bore the button pressed
-- Returns how many were new. A message seen before is dropped, so that a second run changes nothing.
local bell = cjson.decode(ARGV[1])
bell.at = ARGV[2]
local now = milliseconds()
local accepted = 0

-- The words of a message that is not answered yet, put right where it stands; its number and its time stay.
local function put_right(list, bubble, payload)
  local name = '"bubble":"' .. bubble .. '"'
  local entries = redis.call('LRANGE', list, 0, -1)
  for i = #entries, 1, -1 do
    local head, old = string.match(entries[i], '^(1|%d+|%d+|)%a|(.*)$')
    local line = old and string.match(old, '^[^\n]*') or ''
    if string.find(line, name, 1, true) and cjson.decode(line).bubble == bubble then
      local kind, said = string.match(payload, '^(%a)|(.*)$')
      redis.call('LSET', list, i - 1, head .. kind .. '|' .. said)
      return true
    end
  end
  return false
end

-- A waiting message is answered as it reads now; one that is being answered is thought anew.
local function edit(conversation, bubble, payload)
  if put_right(key(conversation, 'in'), bubble, payload) then return true end
  if not put_right(key(conversation, 'wip'), bubble, payload) then return false end
  local state = key(conversation, 'state')
  redis.call('HINCRBY', state, 'revision', 1)
  -- Who is asked anew comes behind those who wait; who is still in the line, or deferred, keeps its place there.
  if redis.call('EXISTS', key(conversation, 'lease')) == 1 and not redis.call('ZSCORE', 'recado:line:models', conversation) then
    redis.call('HDEL', state, 'number:models')
  end
  return true
end

-- Whether a button belongs to the answer that grows now. One under an older answer stops nothing.
local function grows(conversation, state, bubble)
  local turn = redis.call('GET', key(conversation, 'turn')) or ''
  local known = redis.call('HGET', state, 'piece:' .. turn .. ':0') or ''
  if redis.call('EXISTS', key(conversation, 'wip')) == 0 then return false end
  return string.sub(known, 1, 8) == 'sending:' or string.match(known, '^open:(.+)$') == bubble
    or string.match(known, '^open:.+/(.+)$') == bubble
end

-- Every turn with a lower number ends; one that waits for its model need not wait to be told.
local function stop(conversation, state, number)
  redis.call('HSET', state, 'stop', number)
  if redis.call('EXISTS', key(conversation, 'wip')) == 0 then return end
  redis.call('HDEL', state, 'think_at', 'think_wait')
  if redis.call('EXISTS', key(conversation, 'lease')) == 1 then return end  -- its holder is told, or looks when it lets go
  redis.call('ZADD', KEYS[1], 'LT', now + ARGV[4], conversation)
  ring(bell, conversation)
end

local function drop_in(conversation, kind, bubble, payload)
  local state = key(conversation, 'state')
  local number = redis.call('HINCRBY', state, 'number', 1)
  if redis.call('HDEL', state, 'parked') == 1 then redis.call('HDEL', state, 'speak_at', 'speak_wait') end
  if redis.call('PERSIST', state) == 1 then redis.call('PERSIST', key(conversation, 'turn')) end
  if kind == 's' and (bubble == '' or grows(conversation, state, bubble)) then stop(conversation, state, number) end
  kind = kind == 's' and 'c' or kind
  redis.call('RPUSH', key(conversation, 'in'), '1|' .. number .. '|' .. now .. '|' .. kind .. '|' .. payload)
  local first = redis.call('ZADD', KEYS[1], 'NX', now + ARGV[4], conversation) == 1
  local idle = redis.call('EXISTS', key(conversation, 'lease'), key(conversation, 'wip')) == 0
  -- A command ends the listening at once. Whoever waits only to speak may think meanwhile.
  if idle then redis.call('ZADD', KEYS[1], 'LT', now + ARGV[4], conversation) end
  if first or (idle and kind == 'c') then ring(bell, conversation) end
end

for i = 5, #ARGV, 5 do
  local seen, conversation, kind, bubble, payload = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  if redis.call('SET', seen, '1', 'NX', 'PX', ARGV[3]) then
    conversation = redis.call('HGET', 'recado:alias', conversation) or conversation
    if kind ~= 'e' then
      drop_in(conversation, kind, bubble, payload)
      accepted = accepted + 1
    elseif edit(conversation, bubble, payload) then
      accepted = accepted + 1
    end
  end
end
return accepted
