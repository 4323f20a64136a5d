-- wrk script: POST /prioritize for 1,000 node names, a new pod each time, as kube-scheduler would.
--   wrk -t1 -c2 -d20s --latency -s experiments/extender/prioritize.lua http://127.0.0.1:8686
local names = {}
for i = 0, 999 do names[#names + 1] = string.format('"fake-%04d"', i) end
local list = table.concat(names, ",")
local pod = 0

function request()
  pod = pod + 1
  local body = '{"Pod":{"metadata":{"name":"web-' .. pod .. '","namespace":"default","uid":"u' .. pod .. '"},' ..
    '"spec":{"schedulerName":"berth-scheduler","containers":[{"name":"c","resources":{"requests":' ..
    '{"cpu":"100m","memory":"64Mi"}}}]}},"Nodes":null,"NodeNames":[' .. list .. ']}'
  return wrk.format("POST", "/prioritize", { ["Content-Type"] = "application/json" }, body)
end
