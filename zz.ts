import { fix, memoryContext, parse } from './src/index.ts';
import { traceOf } from './src/effects/memo.ts';
const P = {'package.json':'{}','.dockerignore':'node_modules\n','requirements.txt':'flask\n','src/a.js':''};
for (const lines of [['uv venv','uv pip install flask'],['uv venv /opt/v','ENV','uv pip install flask'],['uv pip install --system flask'],['uv venv && uv pip install flask'],['uv venv','uv pip install -r requirements.txt']]) {
  const source = `FROM python:3.12\nWORKDIR /app\nCOPY . .\n${lines.map(l=>l==='ENV'?'ENV VIRTUAL_ENV=/opt/v':'RUN '+l).join('\n')}\n`;
  const c = memoryContext(P);
  const r = fix({ path: 'Dockerfile', source }, c);
  console.log(JSON.stringify(lines), r.status, r.refused.map(x=>x.line+' '+x.code+' '+x.message).join(' | '));
  if (r.status==='changed') console.log(r.changes[0]!.after.split('\n').slice(2).join('\n'));
  const f = parse(source);
  for (const e of (traceOf as any)(f, c, {} as any)[0].events) for (const a of e.actions) console.log('   ', a.text, a.install?.kind, a.opaque?.code, a.opaque?.message, JSON.stringify(a.effect?.writes), JSON.stringify(a.effect?.reads));
}
