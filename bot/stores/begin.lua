-- begin: a bubble is about to be sent or edited. Only the holder of the lease may, one after the other.
-- KEYS lease state out
-- ARGV token, turn, piece name, mode (send | open | edit | preview), new id, then per limit: key, most, window_ms
-- Returns {go, id} | {open, bubble} | {lost} | {settled} | {wait, ms}.
-- open: the opening stands already. settled: somebody has heard by now that it was sent. The id is ours, the same
-- for every attempt at this bubble, so that a late status finds it; each opening has its own, so that a late one is known.
local lease, state, out = unpack(KEYS)
local turn, name, mode = ARGV[2], ARGV[3], ARGV[4]
if redis.call('GET', lease) ~= ARGV[1] then return {'lost'} end
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
if known == 'sending:' .. ARGV[5] then return {'go', ARGV[5]} end  -- the answer to this very question was lost

local now = milliseconds()
local paused = not_before(state, 'pause', now)
if paused > now then return {'wait', paused - now} end
local permit = speaking and mode ~= 'preview' and permit_at(6, now, state) or spare_at(6, now)
if permit > now then return {'wait', permit - now} end
if mode == 'edit' then
  local redo = 'redo' .. string.sub(name, 6)
  if redis.call('HGET', state, redo) == 'due' then redis.call('HDEL', state, redo) end
end
if mode == 'edit' or mode == 'preview' then return {'go', ''} end

local id = mode == 'send' and string.match(known, '^%a+:(.+)$') or ARGV[5]
if mode == 'open' and begins(known, 'sending') then redis.call('HINCRBY', COUNTS, 'stray', 1) end
redis.call('HSET', state, name, 'sending:' .. id, 'begun_at', redis.call('HGET', state, 'number') or 0)
return {'go', id}
