-- spare: whether something that nobody would miss (typing) may go now.
-- KEYS state   ARGV conversation, then per limit: key, most, window_ms.   Returns 1 or 0.
local now = milliseconds()
if redis.call('EXISTS', hold_of(account_of(ARGV[1]))) == 1 or speak_after(KEYS[1], now) > now then return 0 end
return spare_at(2, now) <= now and 1 or 0
