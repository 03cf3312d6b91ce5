// Keeps of a forge's published OpenAPI description what the tests ask for, and of that the requests only:
//   node test/batch/forges/extract.js github api.github.com.json
// github: `generated/api.github.com.json` of the npm package @octokit/openapi (MIT).
// gitlab: `doc/api/openapi/openapi_v2.yaml` of GitLab (documentation: CC BY-SA 4.0).
// gitea: `templates/swagger/v1_json.tmpl` of Gitea, as the repository anbraten/gitea-js keeps it (MIT).
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'prettier';
import { parse } from 'yaml';

const OPERATIONS = {
  github: [
    'get /orgs/{org}/repos',
    'get /users/{username}',
    'get /users/{username}/repos',
    'get /search/repositories',
    'get /repos/{owner}/{repo}/pulls',
    'post /repos/{owner}/{repo}/pulls',
    'get /repos/{owner}/{repo}/pulls/{pull_number}',
    'patch /repos/{owner}/{repo}/pulls/{pull_number}',
    'post /repos/{owner}/{repo}/issues/{issue_number}/labels',
    'post /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers',
    'get /repos/{owner}/{repo}/pulls/{pull_number}/reviews',
    'get /repos/{owner}/{repo}/commits/{ref}/check-runs',
    'get /repos/{owner}/{repo}/commits/{ref}/status',
  ],
  gitlab: [
    'get /api/v4/groups/{id}/projects',
    'get /api/v4/users/{user_id}/projects',
    'get /api/v4/projects/{id}/merge_requests',
    'post /api/v4/projects/{id}/merge_requests',
    'get /api/v4/projects/{id}/merge_requests/{merge_request_iid}',
    'put /api/v4/projects/{id}/merge_requests/{merge_request_iid}',
    'get /api/v4/projects/{id}/merge_requests/{merge_request_iid}/approvals',
    'get /api/v4/projects/{id}/users',
  ],
  gitea: [
    'get /orgs/{org}/repos',
    'get /users/{username}/repos',
    'get /repos/{owner}/{repo}/pulls',
    'post /repos/{owner}/{repo}/pulls',
    'get /repos/{owner}/{repo}/pulls/{index}',
    'patch /repos/{owner}/{repo}/pulls/{index}',
    'get /repos/{owner}/{repo}/labels',
    'post /repos/{owner}/{repo}/labels',
    'get /orgs/{org}/labels',
    'post /repos/{owner}/{repo}/issues/{index}/labels',
    'post /repos/{owner}/{repo}/pulls/{index}/requested_reviewers',
    'get /repos/{owner}/{repo}/pulls/{index}/reviews',
    'get /repos/{owner}/{repo}/commits/{ref}/status',
  ],
};

const LICENSES = { gitlab: { name: 'CC BY-SA 4.0', url: 'https://creativecommons.org/licenses/by-sa/4.0/' } };

const [, , forge, from] = process.argv;
const whole = parse(readFileSync(from, 'utf8'), { maxAliasCount: -1 });
const lookUp = (reference) =>
  reference
    .slice(2)
    .split('/')
    .reduce((at, key) => at[key.replaceAll('~1', '/').replaceAll('~0', '~')], whole);

/** Without prose, and with what is referred to in its place. */
function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  if (typeof value.$ref === 'string') return plain(lookUp(value.$ref));
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !/^(?:example|examples|externalDocs|x-.*)$/.test(key))
      .filter(([key, each]) => !(key === 'description' && typeof each === 'string'))
      .map(([key, each]) => [key, plain(each)]),
  );
}

/** OpenAPI 2 has one kind of parameter less, and their types beside their names. */
function modern(parameters) {
  const inBody = parameters.find((each) => each.in === 'body');
  const form = parameters.filter((each) => each.in === 'formData');
  const schemaOf = ({ type, format: form, enum: values, items, default: usual }) =>
    JSON.parse(JSON.stringify({ type, format: form, enum: values, items, default: usual }));
  const formSchema = {
    type: 'object',
    properties: Object.fromEntries(form.map((each) => [each.name, schemaOf(each)])),
    required: form.filter(({ required }) => required).map(({ name }) => name),
  };
  const schema = form.length > 0 ? formSchema : inBody?.schema;
  return {
    parameters: parameters
      .filter((each) => each.in === 'path' || each.in === 'query')
      .map(({ name, required, ...rest }) => ({
        name,
        in: rest.in,
        required: required ?? false,
        schema: schemaOf(rest),
      })),
    ...(schema === undefined ? {} : { requestBody: { content: { 'application/json': { schema } } } }),
  };
}

const paths = {};
for (const each of OPERATIONS[forge]) {
  const [method, path] = each.split(' ');
  const { operationId, parameters = [], requestBody } = whole.paths[path][method];
  const shared = whole.paths[path].parameters ?? [];
  (paths[path] ??= {})[method] = {
    operationId,
    ...(whole.swagger === '2.0'
      ? modern(plain([...shared, ...parameters]))
      : {
          parameters: plain([...shared, ...parameters]),
          ...(requestBody === undefined ? {} : { requestBody: plain(requestBody) }),
        }),
    responses: { default: { description: 'not kept' } },
  };
}
const { title, version, license } = whole.info;
const kept = {
  openapi: whole.openapi ?? '3.0.3',
  info: { title, version, license: license ?? LICENSES[forge] },
  paths,
};
const file = join(import.meta.dirname, `${forge}.openapi.json`);
writeFileSync(file, await format(JSON.stringify(kept), { parser: 'json', printWidth: 120 }));
