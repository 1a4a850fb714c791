-- spare: whether something that nobody would miss (typing) may go now.
-- KEYS state   ARGV per limit: key, most, window_ms.   Returns 1 or 0.
local now = milliseconds()
if speak_after(KEYS[1], now) > now then return 0 end
return spare_at(1, now) <= now and 1 or 0
