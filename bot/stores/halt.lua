-- halt: the platform takes nothing from an account, as a call on behalf of this conversation was told.
-- KEYS state out   ARGV conversation, reason, code, token, first_ms, id of the bubble that was told so or ''
-- Returns since when there is a hold, or '' where it is another token's. What this conversation says waits for its end.
-- A second run finds the hold, and the bubble no longer the one that is tried.
local conversation = ARGV[1]
local account, now = account_of(conversation), milliseconds()
local since = halt(account, ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], now)
if not since then return '' end
if ARGV[6] ~= '' and redis.call('EXISTS', KEYS[2]) == 1 then
  hold_back(account, conversation, tonumber(redis.call('HGET', hold_of(account), 'until')), now)
end
return tostring(since)
