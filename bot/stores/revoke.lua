-- What was said is put right or taken back, wherever it stands by now.

-- Where a message stands in a list of them: its index, what stands before its kind, and its line of JSON.
local function find_message(list, bubble)
  local name = '"bubble":"' .. bubble .. '"'
  local entries = redis.call('LRANGE', list, 0, -1)
  for i = #entries, 1, -1 do
    local head, line = string.match(entries[i], '^(1|%d+|%d+|)%a|([^\n]*)')
    if line and string.find(line, name, 1, true) and cjson.decode(line).bubble == bubble then
      return i - 1, head, line, entries[i]
    end
  end
end

-- The words of a message that is not answered yet, put right where it stands; its number and its time stay. What was
-- taken back stays so.
local function put_right(list, bubble, payload)
  local index, head, line = find_message(list, bubble)
  if not index or string.find(line, '"revokes":"', 1, true) then return false end
  local kind, said = string.match(payload, '^(%a)|(.*)$')
  redis.call('LSET', list, index, head .. kind .. '|' .. said)
  return true
end

local function pull(list, bubble)
  local _, _, _, entry = find_message(list, bubble)
  return entry and redis.call('LREM', list, 1, entry) == 1
end

-- A waiting message is answered as it reads now; one that is being answered is thought anew.
local function think_anew(conversation)
  local state = key(conversation, 'state')
  redis.call('HINCRBY', state, 'revision', 1)
  -- Who is asked anew comes behind those who wait; who is still in the line, or deferred, keeps its place there.
  if redis.call('EXISTS', key(conversation, 'lease')) == 1 and not redis.call('ZSCORE', 'recado:line:models', conversation) then
    redis.call('HDEL', state, 'number:models')
  end
end

local function edit(conversation, bubble, payload)
  if put_right(key(conversation, 'in'), bubble, payload) then return true end
  if not put_right(key(conversation, 'wip'), bubble, payload) then return false end
  think_anew(conversation)
  return true
end

-- The words of one message leave what was said in its turn; `b` has its bubble and how many bytes they are.
local function forget_words(history, bubble)
  local turns = redis.call('LRANGE', history, 0, -1)
  for i = #turns, 1, -1 do
    if string.find(turns[i], '"' .. bubble .. '"', 1, true) then
      local turn, kept, bubbles, at = cjson.decode(turns[i]), {}, {}, 1
      for _, part in ipairs(turn.b or {}) do
        if part[1] ~= bubble then
          kept[#kept + 1] = string.sub(turn.t, at, at + part[2] - 1)
          bubbles[#bubbles + 1] = part
        end
        at = at + part[2] + 1
      end
      if turn.b and #bubbles < #turn.b then
        turn.t, turn.b = table.concat(kept, '\n'), bubbles
        if #kept > 0 then
          redis.call('LSET', history, i - 1, cjson.encode(turn))
        else
          redis.call('LREM', history, -1, turns[i])
        end
        return true
      end
    end
  end
end

local function forget_raw(raw, bubble)
  for _, entry in ipairs(redis.call('XRANGE', raw, '-', '+')) do
    if entry[2][1] == bubble then redis.call('XDEL', raw, entry[1]) end
  end
end

-- What its sender takes back is not answered, and not remembered. `seen` would tell that it came: it may come yet.
local function revoke(conversation, seen, bubble, payload)
  redis.call('SET', seen, '1', 'NX', 'PX', ARGV[3])
  forget_raw(key(conversation, 'raw'), bubble)
  if pull(key(conversation, 'in'), bubble) then return wait_on(conversation) end
  if put_right(key(conversation, 'wip'), bubble, payload) then return think_anew(conversation) end
  local dead = key(conversation, 'dead')
  if pull(dead, bubble) then
    if redis.call('EXISTS', dead) == 0 then redis.call('ZREM', 'recado:dead', conversation) end
    return
  end
  -- Whoever is thinking has read it: a question that is asked again may bring it back.
  local forgotten = forget_words(key(conversation, 'history'), bubble)
  if forgotten and redis.call('EXISTS', key(conversation, 'wip')) == 1 then think_anew(conversation) end
end
