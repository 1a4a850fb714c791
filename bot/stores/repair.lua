-- repair: a preview was shown. Is it still its worker's to show? If not, the final text is said once more.
-- KEYS due lease out state spoken turn
-- ARGV bell, at, conversation, token, turn, index, again (1: it may still come, so say the end twice in any case)
-- Returns ours | repaired | idle (nothing final stands there yet).
local due, lease, out, state, spoken = unpack(KEYS)
local bell = cjson.decode(ARGV[1])
bell.at = ARGV[2]
local conversation, turn, index = ARGV[3], ARGV[5], ARGV[6]
local redo = 'redo:' .. turn .. ':' .. index
local thinking = tonumber(turn) > committed(state)
if thinking and redis.call('EXISTS', KEYS[6]) == 1 and ARGV[7] == '1' then redis.call('HSET', state, redo, '1') end
if thinking then return redis.call('GET', lease) == ARGV[4] and 'ours' or 'idle' end

local known = redis.call('HGET', state, piece(turn, index)) or ''
if not waits(out, turn) then
  if not respeak(out, state, spoken, KEYS[6], turn, index) then return 'idle' end
  known = redis.call('HGET', state, piece(turn, index))
end
if begins(known, 'open') or ARGV[7] == '1' then redis.call('HSET', state, redo, '1') end
if begins(known, 'sent') then redis.call('HSET', state, piece(turn, index), 'open:' .. string.sub(known, 6)) end
redis.call('ZADD', due, 'LT', milliseconds() + 1000, conversation)
if redis.call('EXISTS', lease) == 0 then ring(bell, conversation) end
return 'repaired'
