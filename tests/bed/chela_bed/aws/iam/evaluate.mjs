// Decides requests as IAM does: one JSON request a line on standard input, one verdict a line on
// standard output, in any order. Ends with its standard input.
import { createInterface } from 'node:readline'
import { runSimulation } from '@cloud-copilot/iam-simulate'

async function decide ({ principal, action, resource, account, context, policies, resourcePolicy }) {
  const result = await runSimulation({
    request: { principal, action, resource: { resource, accountId: account }, contextVariables: context },
    identityPolicies: policies,
    resourcePolicy,
    serviceControlPolicies: [],
    resourceControlPolicies: []
  }, {})
  // An unknown action, a resource of another kind or a policy that is none is a mistake of ours.
  if (result.resultType === 'error') return { error: JSON.stringify(result.errors) }
  const each = result.results ?? [result.result]
  return { verdict: result.overallResult, ignored: each.flatMap(one => one.ignoredContextKeys ?? []) }
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line)
  decide(request)
    .catch(error => ({ error: String(error) }))
    .then(answer => process.stdout.write(JSON.stringify({ id: request.id, ...answer }) + '\n'))
}
