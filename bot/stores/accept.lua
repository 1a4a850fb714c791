-- accept: every message of one request drops into its mailbox, once.
-- KEYS due
-- ARGV bell, now in RQ's form, seen_ms, grace_ms, raw_ms, follows 1|0, handover_ms, then per message: seen key, its name,
--   the person's other names, kind, bubble, sent at (ms or 0), payload, raw ('': it is not kept)
--   kind m(essage) | c(ommand) | s(top) | o(urs) | e(dit) | r(evoked); bubble: the one that an edit puts right, or that
--   bore the button pressed; of what is revoked, the seen key too
-- Returns how many were new. A message seen before is dropped, so that a second run changes nothing.
local now = milliseconds()
local accepted = 0

-- Most messages find their conversation rung already: the bell is read for those that ring.
local function wake(conversation)
  local bell = cjson.decode(ARGV[1])
  bell.at = ARGV[2]
  ring(bell, conversation)
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
  wake(conversation)
end

-- When the person said it, and under which name: there they are spoken to.
local function hear(state, conversation, name, sent)
  local parked, address, before, gone = unpack(redis.call('HMGET', state, 'parked', 'address', 'heard_at', 'gone'))
  if gone and (redis.call('HGET', ALIAS, name) or name) == conversation then redis.call('HDEL', state, 'gone') end
  if parked or gone then redis.call('HDEL', state, 'parked', 'speak_at', 'speak_wait') end
  if ARGV[6] ~= '1' then return end  -- one name, and no window that would close
  local at = sent > now - ARGV[3] and math.min(sent, now) or now
  if before and tonumber(before) <= now and tonumber(before) > at then return end  -- an older one, that came later
  local known_at = (address or '') ~= '' and address or conversation
  if known_at ~= name and (redis.call('HGET', ALIAS, name) or name) == conversation then
    redis.call('HSET', state, 'heard_at', at, 'address', name)
  else
    redis.call('HSET', state, 'heard_at', at)
  end
end

-- A person of the business answers: the assistant does not talk over them, neither now nor for some time.
local function give_way(conversation, state, name, number)
  if name ~= conversation then redis.call('HSETNX', state, 'address', name) end
  local paused, ends = unpack(redis.call('HMGET', state, 'paused', 'paused_until'))
  if ends or not paused then
    pause(conversation, 'owner', now, tonumber(ARGV[7]))
  end
  if redis.call('EXISTS', key(conversation, 'wip')) == 1 then think_anew(conversation) end
  stop(conversation, state, number)
end

local function drop_in(conversation, name, kind, bubble, sent, payload)
  local state = key(conversation, 'state')
  local number = redis.call('HINCRBY', state, 'number', 1)
  if kind ~= 'o' then hear(state, conversation, name, sent) end
  if redis.call('PERSIST', state) == 1 then redis.call('PERSIST', key(conversation, 'turn')) end
  if kind == 'o' then
    give_way(conversation, state, name, number)
  elseif kind == 's' then
    if bubble == '' or grows(conversation, state, bubble) then stop(conversation, state, number) end
    kind = 'c'
  end
  redis.call('RPUSH', key(conversation, 'in'), '1|' .. number .. '|' .. now .. '|' .. kind .. '|' .. payload)
  begin_to_wait(conversation, now)
  local first = redis.call('ZADD', KEYS[1], 'NX', now + ARGV[4], conversation) == 1
  local idle = redis.call('EXISTS', key(conversation, 'lease'), key(conversation, 'wip')) == 0
  -- A command ends the listening at once. Whoever waits only to speak may think meanwhile.
  if idle then redis.call('ZADD', KEYS[1], 'LT', now + ARGV[4], conversation) end
  if first or (idle and kind ~= 'm') then wake(conversation) end
end

local function keep_raw(conversation, bubble, raw)
  local list = key(conversation, 'raw')
  redis.call('XADD', list, 'MINID', string.format('%.0f', now - ARGV[5]), '*', bubble, raw)
  redis.call('PEXPIRE', list, ARGV[5])
end

for i = 8, #ARGV, 8 do
  local seen, name, others, kind, bubble, sent, payload, raw = unpack(ARGV, i, i + 7)
  if redis.call('SET', seen, '1', 'NX', 'PX', ARGV[3]) then
    sent = tonumber(sent)
    local conversation = whose(name, others, sent > 0 and sent or now)
    if kind == 'e' then
      if edit(conversation, bubble, payload) then accepted = accepted + 1 end
    elseif kind == 'r' then
      revoke(conversation, string.match(bubble, '^(%S+) '), string.match(bubble, ' (.*)$'), payload)
      accepted = accepted + 1
    else
      drop_in(conversation, name, kind, bubble, sent, payload)
      accepted = accepted + 1
    end
    if raw ~= '' then keep_raw(conversation, bubble, raw) end
  end
end
return accepted
