-- The decisions of shared/src/pacing/ in one step on the server: take-turn.ts, give-back.ts, book.ts, pacing-state.ts,
-- sliding-window.ts and recollection.ts, function by function. Instants are milliseconds of the caller's clock.
--
-- KEYS[1]  an installation's state
-- ARGV[1]  "take", "done", "book" or "lose"
-- ARGV[2]  the Ask, the Word, the ErrandAsk, or { now }, as JSON
-- ARGV[3]  done: the turn's id; take and book: the Recollection as JSON, or "" when the caller has not looked yet
-- answers  take and book: {"go"}, {"wait", until, gate}, or {"lost"}: the state is not there, look and ask again. done and lose: {"ok"}

local marginMs = 3600000

local function newState(now)
  return { now = now, begun = false, unsureUntil = 0, windows = {}, turns = {}, budgets = {}, heard = {},
    cooldown = { ['until'] = 0, lengthMs = 0, probing = false }, queues = {} }
end

local function windowOf(state, name)
  state.windows[name] = state.windows[name] or { used = 0, leaving = {} }
  return state.windows[name]
end

local function limitOf(state, name, limit)
  local lowered = (state.lowered or {})[name]
  return lowered and lowered['until'] > state.now and math.min(limit, lowered.limit) or limit
end

local function queueOf(state, gate)
  state.queues[gate] = state.queues[gate] or { interactive = 0, publish = 0, passed = 0 }
  return state.queues[gate]
end

local function leavesAt(at, lengthMs)
  local part = math.min(lengthMs / 100, 3000)
  return (math.floor(at / part) + 1) * part + lengthMs
end

local function startLeaving(window, amount, at, lengthMs)
  local last = window.leaving[#window.leaving]
  local leaves = math.max(leavesAt(at, lengthMs), last and last[1] or 0)
  if last and last[1] == leaves then last[2] = last[2] + amount
  else window.leaving[#window.leaving + 1] = { leaves, amount } end
end

local function letLeave(window, now)
  local staying = {}
  for _, use in ipairs(window.leaving) do
    if use[1] > now then staying[#staying + 1] = use else window.used = window.used - use[2] end
  end
  window.leaving = staying
end

local function roomAt(window, amount, limit, now, lengthMs)
  local missing = window.used + math.min(amount, limit) - limit
  if missing <= 0 then return now end
  for _, use in ipairs(window.leaving) do
    missing = missing - use[2]
    if missing <= 0 then return use[1] end
  end
  return leavesAt(now, lengthMs)
end

local function endTurn(state, id, turn, at, told)
  state.turns[id] = nil
  for _, charge in ipairs(turn.charges) do startLeaving(windowOf(state, charge[1]), charge[3], at, charge[2]) end
  local budget = state.budgets[turn.resource]
  if budget and not told then budget.remaining = math.max(0, budget.remaining - turn.cost) end
end

local function advance(state, now)
  state.now = math.max(state.now, now)
  local lost = {}
  for id, turn in pairs(state.turns) do
    if turn.leaseAt <= state.now then lost[#lost + 1] = id end
  end
  table.sort(lost, function(a, b)
    local first, second = state.turns[a], state.turns[b]
    if first.leaseAt ~= second.leaseAt then return first.leaseAt < second.leaseAt end
    return a < b
  end)
  for _, id in ipairs(lost) do endTurn(state, id, state.turns[id], state.turns[id].leaseAt, false) end
  for _, window in pairs(state.windows) do letLeave(window, state.now) end
end

local function begin(state, recollection)
  for _, use in ipairs(recollection.uses) do
    local window = windowOf(state, use[1])
    window.used = window.used + use[3]
    window.leaving[#window.leaving + 1] = { use[2], use[3] }
  end
  state.unsureUntil = recollection.unsureUntil
  state.begun = true
end

local function count(state, matches)
  local number = 0
  for _, turn in pairs(state.turns) do
    if matches(turn) then number = number + 1 end
  end
  return number
end

local function told(state, ask, close)
  local now, cooldown = state.now, state.cooldown
  local same = function(turn) return turn.resource == ask.resource end
  local after = function(turn) return turn.takenAt >= cooldown['until'] end
  if cooldown['until'] > now then close('cooldown', cooldown['until'])
  elseif cooldown.probing and count(state, after) > 0 then close('answer', now + ask.againMs) end
  if not state.heard[ask.resource] and count(state, same) > 0 then close('answer', now + ask.againMs) end
  local budget = state.budgets[ask.resource]
  if budget and budget.resetAt > now then
    local kept = math.floor(budget.limit * ask.keep)
    local need = math.min(ask.cost, math.max(0, budget.limit - kept))
    local underWay = 0
    for _, turn in pairs(state.turns) do
      if same(turn) then underWay = underWay + turn.cost end
    end
    if budget.remaining - kept < need then close('budget', budget.resetAt)
    elseif budget.remaining - kept - underWay < need then close('answer', now + ask.againMs) end
  end
end

local function roomsAtOnce(state, ask, rooms)
  local limits = ask.concurrent
  local room = function(gate, taken, limit)
    rooms[#rooms + 1] = { gate, taken < limit and state.now or state.now + ask.againMs }
  end
  local rest = math.max(1, limits.serverRequests - limits.requests)
  local all = count(state, function() return true end)
  room('requests at once', all, state.unsureUntil > state.now and rest or limits.requests)
  if ask.write then room('writes at once', count(state, function(turn) return turn.write end), limits.writes) end
  if ask.content then
    room('new contents at once', count(state, function(turn) return turn.content end), limits.content)
  end
end

local function roomsInTime(state, ask, rooms)
  for _, charge in ipairs(ask.charges) do
    local room = roomAt(windowOf(state, charge.name), charge.amount, limitOf(state, charge.name, charge.limit), state.now,
      charge.lengthMs)
    rooms[#rooms + 1] = { charge.name, room }
  end
end

local function othersComeFirstUntil(queue, ask, now)
  local publicationsFirst = queue.publish > now and queue.passed >= ask.passes
  if ask.urgency == 'interactive' then return publicationsFirst and queue.publish or now end
  if ask.urgency == 'publish' then return publicationsFirst and now or queue.interactive end
  return math.max(queue.interactive, queue.publish)
end

local function shared(state, ask, rooms, close)
  for _, room in ipairs(rooms) do
    local gate, at = room[1], room[2]
    local queue = queueOf(state, gate)
    local othersUntil = othersComeFirstUntil(queue, ask, state.now)
    if othersUntil > state.now then close('turn', othersUntil) end
    if at > state.now then
      close(gate, at)
      if ask.urgency ~= 'sweep' then queue[ask.urgency] = math.max(queue[ask.urgency], at + ask.graceMs) end
    end
  end
end

local function leaveQueues(state, ask, rooms)
  for _, room in ipairs(rooms) do
    local queue = queueOf(state, room[1])
    if ask.urgency == 'interactive' then queue.passed = queue.publish > state.now and queue.passed + 1 or 0 end
    if ask.urgency == 'publish' then queue.passed = 0 end
    if ask.urgency ~= 'sweep' then queue[ask.urgency] = 0 end
  end
end

local function take(state, ask)
  advance(state, ask.now)
  local last
  local close = function(gate, at)
    if not last or at > last.at then last = { gate = gate, at = at } end
  end
  local rooms = {}
  roomsAtOnce(state, ask, rooms)
  roomsInTime(state, ask, rooms)
  told(state, ask, close)
  shared(state, ask, rooms, close)
  if last then return { 'wait', last.at, last.gate } end
  leaveQueues(state, ask, rooms)
  local charges = {}
  for index, charge in ipairs(ask.charges) do
    local window = windowOf(state, charge.name)
    window.used = window.used + charge.amount
    charges[index] = { charge.name, charge.lengthMs, charge.amount }
  end
  state.turns[ask.id] = { resource = ask.resource, cost = ask.cost, write = ask.write, content = ask.content,
    takenAt = state.now, leaseAt = state.now + ask.leaseMs, contentWindows = ask.contentWindows, charges = charges }
  return { 'go' }
end

local function learnBudget(state, budget, sameResetMs)
  local known = state.budgets[budget.resource]
  local learnt = { limit = budget.limit, remaining = budget.remaining, resetAt = budget.resetAt }
  if not known or known.resetAt <= state.now or budget.resetAt > known.resetAt + sameResetMs then
    state.budgets[budget.resource] = learnt
  elseif budget.resetAt >= known.resetAt - sameResetMs then
    learnt.remaining = math.min(known.remaining, budget.remaining)
    learnt.resetAt = math.max(known.resetAt, budget.resetAt)
    state.budgets[budget.resource] = learnt
  end
end

local function slowDown(state, word, takenAt)
  local cooldown, now, at = state.cooldown, state.now, word.slowDown['until']
  cooldown.probing = true
  if at > 0 then
    cooldown['until'] = math.max(cooldown['until'], at)
    return
  end
  if cooldown['until'] > now then return end
  local soon = now <= cooldown['until'] + cooldown.lengthMs
  local again = takenAt and takenAt >= cooldown['until'] and soon
  cooldown.lengthMs = again and math.min(2 * cooldown.lengthMs, word.longestMs) or word.shortestMs
  cooldown['until'] = now + cooldown.lengthMs
end

local function lower(state, contentWindows, believedForMs)
  for _, name in ipairs(contentWindows) do
    local created = windowOf(state, name).used - 1
    if created >= 1 then
      state.lowered = state.lowered or {}
      state.lowered[name] = { limit = created, ['until'] = state.now + believedForMs }
      return
    end
  end
end

local function giveBack(state, id, word)
  advance(state, word.now)
  local turn = state.turns[id]
  if turn then
    endTurn(state, id, turn, state.now, word.budget and word.budget.resource == turn.resource)
    state.heard[turn.resource] = true
  end
  if word.budget then learnBudget(state, word.budget, word.sameResetMs) end
  if word.slowDown then
    slowDown(state, word, turn and turn.takenAt)
    lower(state, turn and turn.contentWindows or {}, word.believedForMs)
  elseif turn and turn.takenAt >= state.cooldown['until'] then state.cooldown.probing = false end
  return { 'ok' }
end

local function roomWith(state, bookings, window, ask)
  local points = window.counts == 'points'
  local amount = points and ask.points or ask.contents
  if amount == 0 then return state.now end
  local kept = windowOf(state, window.name)
  local all = { used = kept.used, leaving = {} }
  for index, use in ipairs(kept.leaving) do all.leaving[index] = use end
  for _, booking in ipairs(bookings) do
    local expected = points and booking[2] or booking[3]
    all.used = all.used + expected
    all.leaving[#all.leaving + 1] = { leavesAt(booking[1], window.lengthMs), expected }
  end
  table.sort(all.leaving, function(a, b) return a[1] < b[1] end)
  return roomAt(all, amount, limitOf(state, window.name, window.limit), state.now, window.lengthMs)
end

local function book(state, ask)
  advance(state, ask.now)
  local now, cooldown, budget = state.now, state.cooldown, state.budgets.core
  local bookings = {}
  for _, booking in ipairs(state.bookings or {}) do
    if booking[1] > now then bookings[#bookings + 1] = booking end
  end
  state.bookings = bookings
  local latest = { gate = 'now', at = now }
  local see = function(gate, at)
    if at > latest.at then latest = { gate = gate, at = at } end
  end
  if cooldown['until'] > now then see('cooldown', cooldown['until']) end
  if budget and budget.resetAt > now then
    local left = budget.remaining - math.floor(budget.limit * ask.keep)
    if left < ask.requests then see('budget', budget.resetAt) end
  end
  for _, window in ipairs(ask.windows) do see(window.name, roomWith(state, {}, window, ask)) end
  if latest.at <= now then return { 'go' } end
  local first = latest
  for _, window in ipairs(ask.windows) do see(window.name, roomWith(state, bookings, window, ask)) end
  local horizon = now + ask.aheadMs
  if latest.at > horizon then return { 'wait', math.max(horizon, first.at), latest.gate } end
  bookings[#bookings + 1] = { latest.at, ask.points, ask.contents }
  return { 'wait', latest.at, latest.gate }
end

local function loseTurns(state, now)
  advance(state, now)
  for id, turn in pairs(state.turns) do endTurn(state, id, turn, state.now, false) end
  return { 'ok' }
end

-- Kept until nothing in it can matter any more, by Redis' own clock, which only ever decides this.
local function save(state)
  local last = math.max(state.cooldown['until'], state.unsureUntil)
  for _, window in pairs(state.windows) do
    local use = window.leaving[#window.leaving]
    if use then last = math.max(last, use[1]) end
  end
  for _, turn in pairs(state.turns) do
    last = math.max(last, turn.leaseAt)
    for _, charge in ipairs(turn.charges) do last = math.max(last, leavesAt(turn.leaseAt, charge[2])) end
  end
  for _, budget in pairs(state.budgets) do last = math.max(last, budget.resetAt) end
  local ttlMs = math.max(0, last - state.now) + marginMs
  redis.call('SET', KEYS[1], cmsgpack.pack(state), 'PX', string.format('%.0f', ttlMs))
end

local kept = redis.call('GET', KEYS[1])
local request = cjson.decode(ARGV[2])
local state = kept and cmsgpack.unpack(kept) or newState(request.now)
local answer
if ARGV[1] == 'take' or ARGV[1] == 'book' then
  if not state.begun and ARGV[3] == '' then return { 'lost' } end
  if not state.begun then begin(state, cjson.decode(ARGV[3])) end
  answer = (ARGV[1] == 'take' and take or book)(state, request)
elseif ARGV[1] == 'lose' then
  answer = loseTurns(state, request.now)
else
  answer = giveBack(state, ARGV[3], request)
end
save(state)
if answer[2] then answer[2] = string.format('%.0f', answer[2]) end
return answer
