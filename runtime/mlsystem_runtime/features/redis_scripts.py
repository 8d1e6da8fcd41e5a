"""What the Redis store has the server do in one piece. Redis runs a script alone: nobody sees half of it.

A generation has three keys: `record`, a hash with the field `generation` and, while a write is carried over, `overlay`;
`live`, a hash of states by key; and `overlay`, a hash of newer states that hide those of `live`. An empty state is a
removed one.
"""

from __future__ import annotations

READ = """
local answers, first = {}, 2
for group = 1, #KEYS / 3 do
    local count = tonumber(ARGV[first - 1])
    local record, live, overlay = KEYS[3 * group - 2], KEYS[3 * group - 1], KEYS[3 * group]
    local states = redis.call('EXISTS', record) == 1 and {}
    if states and count > 0 then
        states = redis.call('HMGET', live, unpack(ARGV, first, first + count - 1))
        if redis.call('EXISTS', overlay) == 1 then
            local newer = redis.call('HMGET', overlay, unpack(ARGV, first, first + count - 1))
            for place, state in ipairs(newer) do
                if state then states[place] = state end
            end
        end
    end
    answers[group] = states
    first = first + count + 1
end
return answers
"""
"""record, live, overlay of each generation; for each, how many keys and the keys → for each, their states in order, nil
for none; nil for a generation that is not there."""

DIGESTS = """
local found = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local answer = {found[1]}
for place, text in ipairs(found[2]) do
    answer[place + 1] = place % 2 == 1 and text or string.sub(text, 1, 8)
end
return answer
"""
"""live or overlay; cursor, about how many → the next cursor, then keys, each before the first 8 bytes of its state."""

COMMIT = """
local held = redis.call('HGET', KEYS[1], 'generation')
if (held or '') ~= ARGV[2] then return 'moved' end
if redis.call('HLEN', KEYS[4]) ~= tonumber(ARGV[5]) then return 'lost' end
if ARGV[5] ~= '0' then
    if redis.call('HEXISTS', KEYS[1], 'overlay') == 1 then return 'pending' end
    local target = held and KEYS[3] or KEYS[2]
    redis.call('RENAME', KEYS[4], target)
    redis.call('PERSIST', target)
    if held then redis.call('HSET', KEYS[1], 'overlay', ARGV[4]) end
end
redis.call('HSET', KEYS[1], 'generation', ARGV[3])
redis.call('ZADD', KEYS[5], 'NX', ARGV[6], ARGV[1])
return 'written'
"""
"""record, live, overlay, staged, index; fingerprint, base ('' for none), new, token, how many are staged, now in us.

What is staged answers from now on: it becomes `overlay`, or `live` itself where there is no generation yet. `moved`:
the base is held no longer; `lost`: what was staged is not whole; `pending`: an overlay must be carried over first.
"""

CARRY_OVER = """
if redis.call('HGET', KEYS[1], 'overlay') ~= ARGV[1] then return '0' end
local found = redis.call('HSCAN', KEYS[3], ARGV[2], 'COUNT', ARGV[3])
local texts = found[2]
for place = 1, #texts, 2 do
    if texts[place + 1] == '' then
        redis.call('HDEL', KEYS[2], texts[place])
    else
        redis.call('HSET', KEYS[2], texts[place], texts[place + 1])
    end
end
if found[1] == '0' then
    redis.call('HDEL', KEYS[1], 'overlay')
    redis.call('UNLINK', KEYS[3])
end
return found[1]
"""
"""record, live, overlay; token, cursor, about how many → the next cursor; '0' when all of that overlay is in `live`.

Doing it again, or twice at once, ends the same way: an overlay does not change, and the token names one.
"""

DROP = """
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3])
redis.call('ZREM', KEYS[4], ARGV[1])
"""
"""record, live, overlay, index; fingerprint."""
