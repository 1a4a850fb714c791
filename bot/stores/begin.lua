-- begin: a bubble is about to be sent or edited. Only the holder of the lease may, one after the other.
-- KEYS lease state out
-- ARGV bell, at, conversation, token, turn, piece name, mode (send | open | edit | preview), new id, what the platform
--   knows us by ('': no hold is kept), ms for which a person may be written to ('0': always), then per limit: key, most,
--   window_ms
-- Returns {go, id} | {open, bubble} | {lost} | {settled} | {wait, ms} | {held, ms, since and reason} | {closed, ms}.
-- open: the opening stands already. settled: somebody has heard by now that it was sent. held: the account is on hold.
-- closed: the person must write first, and has been waited for so long. The id is ours, the same for every attempt at this bubble, so that a late status
-- finds it; each opening has its own, so that a late one is known.
local FIRST = 11
local GONE_MS = 2592000000  -- or until they write
local lease, state, out = unpack(KEYS)
local bell = cjson.decode(ARGV[1])
bell.at = ARGV[2]
local conversation, turn, name, mode, credential = ARGV[3], ARGV[5], ARGV[6], ARGV[7], ARGV[9]
local account = account_of(conversation)
if redis.call('GET', lease) ~= ARGV[4] then return {'lost'} end
local head = redis.call('LINDEX', out, 0)
local known = redis.call('HGET', state, name) or ''
local speaking = head and turn_of(head) == turn
if begins(known, 'sent') then return {'settled'} end
if not speaking then
  -- While the turn is thought its bubble may grow, but not above a reply that is still to be said.
  if mode == 'send' or mode == 'edit' or tonumber(turn) <= committed(state) then return {'settled'} end
  if head then return {'wait', 1000} end
end
if mode == 'open' and begins(known, 'open') then return {'open', string.sub(known, 6)} end
if known == 'sending:' .. ARGV[8] then return {'go', ARGV[8]} end  -- the answer to this very question was lost

local now = milliseconds()
local index = tonumber(string.match(name, '%d+$'))
local follows = mode == 'send' and must_follow(state, key(conversation, 'spoken'), turn, index)
if follows and not is_beyond(out, turn, index) then return {'settled'} end
if redis.call('HEXISTS', state, 'gone') == 1 then return {'wait', GONE_MS} end  -- their name is another person's, and nobody knows theirs
local id = mode == 'send' and string.match(known, '^%a+:(.+)$') or ARGV[8]
local held = credential ~= '' and held_until(bell, account, credential, now) or 0
if held > now then
  if not speaking then return {'wait', held - now} end
  local since, reason = unpack(redis.call('HMGET', hold_of(account), 'since', 'reason'))
  return {'held', hold_back(account, conversation, held, now), since .. ' ' .. (reason or '')}
end
if mode == 'send' and is_closed(state, tonumber(ARGV[10]), now) then
  redis.call('HSET', state, 'begun_at', redis.call('HGET', state, 'number') or 0)
  return {'closed', now - (tonumber(redis.call('HGET', state, 'parked')) or now)}
end
local paused = not_before(state, 'pause', now)
if paused > now then return {'wait', paused - now} end
local permit = speaking and mode ~= 'preview' and permit_at(FIRST, now, state) or spare_at(FIRST, now)
if permit > now then return {'wait', permit - now} end
if mode == 'edit' then
  local redo = 'redo' .. string.sub(name, 6)
  if redis.call('HGET', state, redo) == 'due' then redis.call('HDEL', state, redo) end
end
if mode == 'edit' or mode == 'preview' then return {'go', ''} end

if mode == 'open' and begins(known, 'sending') then redis.call('HINCRBY', COUNTS, 'stray', 1) end
if credential ~= '' then try(account, credential, id, now) end
redis.call('HSET', state, name, 'sending:' .. id, 'begun_at', redis.call('HGET', state, 'number') or 0)
return {'go', id}
