/** The pages and examples of the documents, as their tests read them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { readWorkflow, type Workflow, type WorkflowStep } from './workflow.ts'

const docs = join(import.meta.dirname, '../../docs')
export const read = (path: string): string => readFileSync(join(docs, path), 'utf8')
export const examples = readdirSync(join(docs, 'examples')).map((name) => ({ name, text: read(`examples/${name}`) }))
export const pages = readdirSync(docs)
  .filter((name) => name.endsWith('.md'))
  .map((name) => ({ name, text: read(name) }))
const example = (name: string): Workflow => readWorkflow(read(`examples/${name}.yml`))

export const release = example('five-regions')
export const rollback = example('five-regions-rollback')
export const promote = example('five-regions-promote')
export const drift = example('five-regions-drift')

export const listed = (text = ''): string[] => text.split(',').map((entry) => entry.trim())
export const home = String(release.env?.HOME_REGION)
export const regions = [home, ...listed(String(release.env?.REPLICA_REGIONS))]
export const elsewhere = (without: string): string => regions.filter((region) => region !== without).join(', ')

export const allSteps = (workflow: Workflow) => Object.values(workflow.jobs).flatMap(({ steps }) => steps)

export const yamlIn = (text: string): string[] =>
  [...text.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, yaml = '']) => yaml)
export const isWorkflow = (yaml: string): boolean => /^jobs:$/m.test(yaml)
export const stepsIn = (text: string): WorkflowStep[] =>
  yamlIn(text).flatMap((yaml) => (isWorkflow(yaml) ? [] : (parse(yaml) as WorkflowStep[])))

/** The steps in YAML that stand in the pages. */
export const snippets = pages.flatMap(({ text }) => stepsIn(text))

export function snippetWith(input: string): WorkflowStep {
  const [found, ...others] = snippets.filter((step) => input in (step.with ?? {}))
  if (!found || others.length > 0) throw new Error(`One step with ${input} should stand in the pages.`)
  return found
}

/** A workflow of nothing but this step, started by hand. */
export const dispatched = (step: WorkflowStep): Workflow => ({
  on: { workflow_dispatch: { inputs: { 'image-id': { type: 'string' } } } },
  permissions: { 'id-token': 'write' },
  jobs: { only: { steps: [...(promote.jobs.promote?.steps.slice(0, 2) ?? []), step] } },
})

/** The workflows of the README: one that releases, one that rolls back. */
export const readme = read('../README.md')
export const readmeWorkflows = yamlIn(readme).filter(isWorkflow)
