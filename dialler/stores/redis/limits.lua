-- Takes in what an engine says of its trunks, and gives it leave: tokens and channels. See the package's docstring.
--
-- KEYS[1]: the engines, a hash by name, and ":settle" and ":strangers", until when. KEYS[2..]: a hash for each trunk:
-- "bucket", and "engine:NAME" for each engine. ARGV[1]: the question, ARGV[2]: the times, both in JSON.

local ask, times = cjson.decode(ARGV[1]), cjson.decode(ARGV[2])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000

local function exact(number)  -- cjson writes 14 digits, which is a tenth of a millisecond of today
  return string.format('%.6f', number)
end

local function pairs_of(key)
  local flat, found = redis.call('HGETALL', key), {}
  for at = 1, #flat, 2 do found[flat[at]] = flat[at + 1] end
  return found
end

-- Who is there.
local engines, engines_max, seats, known = {}, ask.engines_max, 0, 1
local kept = pairs_of(KEYS[1])
for name, text in pairs(kept) do
  if string.sub(name, 1, 1) ~= ':' then
    local engine = cjson.decode(text)
    if now - engine.seen > engine.absent_s then
      redis.call('HDEL', KEYS[1], name)
    else
      engines[name] = engine
      if name ~= ask.engine then
        known = known + 1
        if not engine.left then
          seats = seats + 1
          engines_max = math.max(engines_max, engine.engines_max)
        end
      end
    end
  end
end

local function refuse(why)
  local names = {}
  for name in pairs(engines) do
    if name ~= ask.engine and not engines[name].left then names[#names + 1] = name end
  end
  table.sort(names)
  return cjson.encode({refused = why, now = exact(now), others = table.concat(names, ', '), engines_max = engines_max})
end

local me = engines[ask.engine]
if now - ask.sent_at > times.late_s or (me and me.boot == ask.boot and ask.number <= me.number) then
  return refuse('late')
end
if me and me.boot ~= ask.boot and not me.left and now - me.seen <= times.absent_after_s then return refuse('name') end
if (not me or me.left) and not ask.leaves and seats >= engines_max then return refuse('room') end

-- What the server may have forgotten.
local settle, strangers_until = tonumber(kept[':settle'] or '0'), tonumber(kept[':strangers'] or '0')
if ask.anew or not kept[':strangers'] then
  settle, strangers_until = now + times.settle_s, now + ask.absent_s
  redis.call('HSET', KEYS[1], ':settle', exact(settle), ':strangers', exact(strangers_until))
end
local strangers = now < strangers_until and math.max(0, engines_max - known) or 0

redis.call('HSET', KEYS[1], ask.engine, cjson.encode({
  boot = ask.boot, number = ask.number, seen = now, left = ask.leaves,
  engines_max = ask.engines_max, absent_s = ask.absent_s,
}))

local function trunk(key, mine)
  local kept_here = pairs_of(key)
  local rate, channels, absent, wanted, hungry = mine.rate, mine.channels, 0, false, false
  local before, others = nil, {}
  for field, text in pairs(kept_here) do
    local name = string.match(field, '^engine:(.*)$')
    if name then
      local other = cjson.decode(text)
      if name == ask.engine then
        before = other
      elseif now - other.seen > other.absent_s then
        redis.call('HDEL', key, field)
      else
        others[#others + 1] = other
        if not other.left then
          rate, channels = math.min(rate, other.rate), math.min(channels, other.channels)
        end
      end
    end
  end
  local share = math.floor(channels / engines_max)
  local counted = strangers * share
  for _, other in ipairs(others) do
    if other.left then
      counted = counted + other.entitled
    elseif now - other.seen > times.absent_after_s then
      absent = absent + 1
      counted = counted + math.max(other.entitled, share)
    else
      counted = counted + other.entitled
      if other.alone then absent = absent + 1 end
      if other.held >= other.entitled then
        wanted = true
        hungry = hungry or other.entitled < share
      end
    end
  end

  -- Tokens. Who is absent, or has not yet heard that it is back, takes its share of the rate elsewhere. So do I.
  local bucket = kept_here['bucket'] and cjson.decode(kept_here['bucket']) or {level = 0, at = exact(now), shift = 0}
  local gone = absent + strangers + (ask.alone and 1 or 0)
  local was_gone = absent + strangers + 1
  if before and not before.alone and now - before.seen <= times.absent_after_s then was_gone = was_gone - 1 end
  local burst = math.max(1, math.ceil(rate / 10))
  local elsewhere = math.max(1, math.floor(burst / engines_max))
  local function capacity(missing)
    if missing >= engines_max then return mine.jitter end
    return math.max(1, burst - missing * elsewhere) + mine.jitter
  end
  local function per_second(missing) return rate * math.max(0, 1 - missing / engines_max) end
  local level = tonumber(bucket.level)
  level = level + math.max(0, now - tonumber(bucket.at)) * per_second(was_gone)
  level = math.min(capacity(was_gone), level)
  level = math.min(capacity(gone), level + mine.back)
  local shift = tonumber(bucket.shift)

  -- Channels. `room` is what nobody is entitled to; below zero after caps were lowered, or an absence counted.
  local held, entitled = mine.held, math.max(mine.entitled, mine.held)
  local room = channels - counted - entitled
  local raise_max = now < settle and 0 or math.max(0, room)
  local function spare()
    local most = entitled + math.min(0, room)
    -- Above its share nobody begins a call while another is full below his.
    if hungry then most = math.min(most, math.max(share, mine.held)) end
    return math.max(0, most - held)
  end
  if hungry then raise_max = math.min(raise_max, math.max(0, share - entitled)) end
  local function raise(by)
    by = math.max(0, math.min(by, raise_max))
    entitled, room, raise_max = entitled + by, room - by, raise_max - by
  end
  local wish = math.max(0, math.min(mine.wanted, math.floor(level - shift)))
  raise(wish - spare())
  local granted = math.min(wish, spare())
  held = held + granted
  if granted > 0 then
    level = level - granted
    shift = mine.shift
  end
  raise(math.min(1, share) - entitled)
  if not wanted then raise(share - entitled) end

  -- What it should do without, from now on.
  local lower = entitled
  if hungry or room < 0 then lower = math.max(held, math.min(entitled, share)) end
  if ask.beat then
    lower = math.min(lower, math.max(held, share))
    if wanted then lower = math.min(lower, math.max(held + math.floor((lower - held) / 2), math.min(1, share))) end
  end

  if ask.leaves then
    redis.call('HDEL', key, 'engine:' .. ask.engine)
    entitled = mine.held
  end
  if not ask.leaves or mine.held > 0 then
    redis.call('HSET', key, 'engine:' .. ask.engine, cjson.encode({
      seen = now, absent_s = ask.absent_s, held = held, entitled = entitled,
      rate = mine.rate, channels = mine.channels, left = ask.leaves, alone = ask.alone,
    }))
  end
  redis.call('HSET', key, 'bucket', cjson.encode({level = exact(level), at = exact(now), shift = exact(shift)}))
  return {
    granted = granted, entitled = entitled, lower = lower, free = spare() + raise_max,
    level = exact(level), shift = exact(shift), capacity = capacity(gone), per_second = exact(per_second(gone)),
    rate = rate, channels = channels, absent = absent, wanted = wanted,
  }
end

local answers = {}
for at, mine in ipairs(ask.trunks) do answers[at] = trunk(KEYS[at + 1], mine) end
return cjson.encode({
  now = exact(now), engines_max = engines_max, strangers = strangers, settles = now < settle, trunks = answers,
})
