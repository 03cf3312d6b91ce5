import { describe, expect, it } from 'vitest';
import { crossCheck } from '../../src/dockerfile/crosscheck.ts';
import { applyEdits } from '../../src/dockerfile/edit.ts';
import { parse } from '../../src/dockerfile/parse.ts';
import type { Copy, Run } from '../../src/model.ts';

const keywords = (source: string): string[] => parse(source).instructions.map((each) => each.keyword);
const texts = (source: string): string[] => parse(source).instructions.map((each) => source.slice(...each.span));

describe('instructions (rules 1-11)', () => {
  const cases: readonly [reason: string, source: string, expected: readonly string[]][] = [
    ['a continuation joins lines', 'FROM a\nRUN x \\\n  y\nUSER z\n', ['FROM a', 'RUN x \\\n  y', 'USER z']],
    ['blanks after the escape still continue', 'FROM a\nRUN x \\  \n y\n', ['FROM a', 'RUN x \\  \n y']],
    ['two escapes do not continue', 'FROM a\nRUN x \\\\\nUSER y\n', ['FROM a', 'RUN x \\\\', 'USER y']],
    ['a lone escape line joins the next', 'FROM a\nRUN x && \\\n\\\ny\n', ['FROM a', 'RUN x && \\\n\\\ny']],
    [
      'comments inside a continuation belong to it',
      'FROM a\nRUN x \\\n # c \\\n y\nUSER z\n',
      ['FROM a', 'RUN x \\\n # c \\\n y', 'USER z'],
    ],
    ['blank lines inside a continuation belong to it', 'FROM a\nRUN x \\\n\n y\n', ['FROM a', 'RUN x \\\n\n y']],
    [
      'the escape directive changes what continues',
      '# escape=`\nFROM a\nRUN x `\n y\nRUN b \\\n',
      ['FROM a', 'RUN x `\n y', 'RUN b \\'],
    ],
    ['a comment ends the directives', '# hello\n# escape=`\nFROM a\nRUN b `\n', ['FROM a', 'RUN b `']],
    [
      'a heredoc swallows its body',
      'FROM a\nRUN <<EOF\nUSER x\nEOF\nUSER y\n',
      ['FROM a', 'RUN <<EOF\nUSER x\nEOF', 'USER y'],
    ],
    [
      'a heredoc may be numbered',
      'FROM a\nRUN cat 3<<EOF\nUSER x\nEOF\nUSER y\n',
      ['FROM a', 'RUN cat 3<<EOF\nUSER x\nEOF', 'USER y'],
    ],
    [
      'a heredoc name may follow a blank',
      'FROM a\nRUN cat << EOF\nx\nEOF\nUSER y\n',
      ['FROM a', 'RUN cat << EOF\nx\nEOF', 'USER y'],
    ],
    [
      'two heredocs close one after the other',
      'FROM a\nCOPY <<A <<B /\n1\nA\n2\nB\nUSER y\n',
      ['FROM a', 'COPY <<A <<B /\n1\nA\n2\nB', 'USER y'],
    ],
    [
      'only tabs are stripped before a terminator',
      'FROM a\nRUN <<-E\n\tx\n\tE\nUSER y\n',
      ['FROM a', 'RUN <<-E\n\tx\n\tE', 'USER y'],
    ],
    [
      'a quoted << is no heredoc',
      'FROM a\nRUN sh -c "cat <<EOF"\nUSER y\n',
      ['FROM a', 'RUN sh -c "cat <<EOF"', 'USER y'],
    ],
    [
      'a shift inside quotes is no heredoc',
      "FROM a\nRUN python -c 'print(1 <<2)'\nUSER y\n",
      ['FROM a', "RUN python -c 'print(1 <<2)'", 'USER y'],
    ],
    [
      'the JSON form has no heredocs',
      'FROM a\nRUN ["sh","-c","cat <<EOF"]\nUSER y\n',
      ['FROM a', 'RUN ["sh","-c","cat <<EOF"]', 'USER y'],
    ],
    [
      'an unbalanced quote means no heredoc',
      "FROM a\nRUN echo it's <<EOF\nUSER y\n",
      ['FROM a', "RUN echo it's <<EOF", 'USER y'],
    ],
    ['other instructions have no heredocs', 'FROM a\nLABEL x=<<EOF\nUSER y\n', ['FROM a', 'LABEL x=<<EOF', 'USER y']],
    [
      'an ONBUILD RUN has them',
      'FROM a\nONBUILD RUN <<EOF\nx\nEOF\nUSER y\n',
      ['FROM a', 'ONBUILD RUN <<EOF\nx\nEOF', 'USER y'],
    ],
    ['keywords are case-insensitive', 'from a\nrUn x\n', ['from a', 'rUn x']],
    ['a missing last line end loses nothing', 'FROM a\nRUN x', ['FROM a', 'RUN x']],
    ['a byte order mark is skipped', '\ufeffFROM a\nRUN x\n', ['FROM a', 'RUN x']],
    ['a bare CR is no line end', 'FROM a\nRUN x\rUSER y\n', ['FROM a', 'RUN x\rUSER y']],
  ];
  it.each(cases)('%s', (_reason, source, expected) => {
    expect(texts(source)).toEqual(expected);
    expect(parse(source).trouble).toBeUndefined();
  });

  it.each(cases.filter(([, source]) => !source.includes('<<') && !source.includes('\r')))(
    'with CRLF: %s',
    (_reason, source, expected) => {
      expect(texts(source.replaceAll('\n', '\r\n'))).toEqual(expected.map((text) => text.replaceAll('\n', '\r\n')));
    },
  );
});

describe('what is not a Dockerfile', () => {
  it.each([
    ['an empty file', ''],
    ['only comments', '# a\n'],
    ['no FROM', 'ARG a=1\n'],
    ['an instruction before FROM', 'RUN x\nFROM a\n'],
    ['an unknown instruction', 'FROM a\nINSTALL x\n'],
    ['an unterminated heredoc', 'FROM a\nRUN <<EOF\nx\n'],
    ['a line over 65,535 bytes', `FROM a\nRUN ${'x'.repeat(70_000)}\n`],
    ['a directive given twice', '# escape=`\n# escape=`\nFROM a\n'],
    ['ENV without a value', 'FROM a\nENV PATH\n'],
    ['binary', '\u0000\u0001\u0002'],
  ])('%s', (_reason, source) => {
    expect(parse(source).trouble?.code).toBe('syntax-error');
  });
});

describe('two parsers (faults of dockerfile-ast 0.7.1)', () => {
  it.each([
    ['1: a quoted << swallows the rest', 'FROM a\nRUN sh -c "cat <<EOF"\nCOPY . .\nRUN npm ci\n'],
    ['1: a numbered heredoc is missed', 'FROM a\nRUN cat 3<<EOF\nUSER x\nEOF\n'],
    ['2: two escapes are merged', 'FROM a\nRUN x \\\\\nUSER y\n'],
    ['3: a comment is taken for a directive', '# foo=bar\n# escape=`\nFROM a\nRUN x `\n y\n'],
  ])('disagree: %s', (_reason, source) => {
    expect(crossCheck(parse(source))?.code).toBe('parser-disagrees');
  });

  it.each([
    ['3: a hadolint comment on line 1', '# hadolint ignore=DL3006\nFROM a\nRUN x\n'],
    ['6: a continuation at the end of the file', 'FROM a\nRUN x \\\n'],
    ['a comment inside a continuation', 'FROM a\nRUN x \\\n # c\n y\nUSER z\n'],
    ['a heredoc', 'FROM a\nRUN <<EOF\nx\nEOF\nUSER y\n'],
  ])('agree: %s', (_reason, source) => {
    expect(crossCheck(parse(source))).toBeUndefined();
  });
});

describe('arguments', () => {
  const copy = (line: string): Copy => parse(`FROM a\n${line}\n`).instructions[1] as Copy;
  it('4: the JSON form keeps blanks', () => {
    expect(copy('COPY ["a b","/c d/"]').sources.map((word) => word.value)).toEqual(['a b']);
    expect(copy('COPY ["a b","/c d/"]').destination?.value).toBe('/c d/');
  });
  it('9: a trailing comma makes it the plain form', () => {
    expect(copy('COPY ["a",] /b').json).toBe(false);
  });
  it('10: quotes do not protect blanks', () => {
    expect(copy('COPY "a b" /c').sources.map((word) => word.text)).toEqual(['"a', 'b"']);
    // A quote that nothing closes stops the build.
    expect(copy('COPY "a b" /c').sources.map((word) => word.value)).toEqual([undefined, undefined]);
  });
  it('8: flags come first, quotes in them are processed', () => {
    expect(copy('COPY --chown="a b" --link x /y').flags.map((flag) => [flag.name, flag.value])).toEqual([
      ['chown', 'a b'],
      ['link', undefined],
    ]);
  });
  it('5: a heredoc body is no argument', () => {
    const parsed = parse('FROM a\nCOPY <<EOF /x\nbody\nEOF\n').instructions[1] as Copy;
    expect(parsed.sources).toEqual([]);
    expect(parsed.destination?.value).toBe('/x');
  });
  it('13: --from is a name in any case, or an earlier index', () => {
    const file = parse(
      'FROM a AS Build\nFROM b\nCOPY --from=BUILD /x /y\nCOPY --from=0 /x /y\nCOPY --from=1 /x /y\nCOPY --from=nginx /x /y\n',
    );
    expect(file.stages[1]?.instructions.map((each) => (each as Copy).fromStage)).toEqual([0, 0, undefined, undefined]);
    expect(parse('FROM a AS build\nFROM build\n').stages[1]?.base.stage).toBe(0);
    expect(parse('FROM a AS Build\nFROM Build\n').stages[1]?.base.stage).toBeUndefined();
  });
});

describe('comments (rule 12)', () => {
  const attached = (source: string): string[] =>
    parse(source).instructions.map((each) => source.slice(each.outer[0], each.span[0]).trim());
  it.each([
    ['the block directly above belongs to the instruction', 'FROM a\n# x\n# y\nRUN z\n', ['', '# x\n# y']],
    ['a blank line parts them', 'FROM a\n# x\n\nRUN z\n', ['', '']],
    ['directives belong to nobody', '# syntax=docker/dockerfile:1\nFROM a\n', ['']],
    ['indentation is part of it', 'FROM a\n  # x\n  RUN z\n', ['', '# x']],
  ])('%s', (_reason, source, expected) => {
    expect(attached(source)).toEqual(expected);
  });
});

describe('state (rules 16-22)', () => {
  const last = (source: string) => {
    const file = parse(`${source}RUN last\n`);
    return (file.instructions.at(-1) as Run).state;
  };
  it.each([
    ['WORKDIR chains', 'FROM node\nWORKDIR /a\nWORKDIR b\nWORKDIR ../c\n', '/a/c'],
    ['.. stops at the root', 'FROM node\nWORKDIR ../../x\n', '/x'],
    ['a known base image has its own', 'FROM golang:1.22\n', '/go'],
    ['an unknown one is not known', 'FROM my/base\nWORKDIR app\n', '?/app'],
    ['a child stage goes on from its parent', 'FROM node AS a\nWORKDIR /a\nFROM a\n', '/a'],
    ['ENV is expanded', 'FROM node\nENV HOME_DIR=/srv\nWORKDIR $HOME_DIR/x\n', '/srv/x'],
    ['an ARG default is assumed', 'FROM node\nARG DIR=/srv\nWORKDIR ${DIR}\n', '/srv'],
    ['a global ARG counts once redeclared', 'ARG DIR=/srv\nFROM node\nARG DIR\nWORKDIR ${DIR}\n', '/srv'],
  ])('%s', (_reason, source, expected) => {
    expect(last(source).workdir).toBe(expected);
  });
  it('the base image may set a variable that nothing here sets', () => {
    expect(last('FROM node\nWORKDIR ${NOTHING:-/x}\n').workdir).toMatch(/^\?/);
  });
  it('a global ARG is not visible in a stage that does not redeclare it', () => {
    expect(last('ARG DIR=/srv\nFROM node\nWORKDIR ${DIR}\n').workdir).toMatch(/^\?/);
  });
  it('19: one ENV line uses the old values', () => {
    expect(last('FROM node\nENV a=1\nENV a=2 c=$a\n').environment.get('c')).toBe('1');
  });
  it('11: ENV has a legacy form', () => {
    expect(last('FROM node\nENV a b c\n').environment.get('a')).toBe('b c');
  });
  it('18: the last of ENV and ARG wins', () => {
    expect(last('FROM node\nENV a=1\nARG a=2\n').environment.get('a')).toBe('2');
  });
  it('an ARG varies, an ENV made of it, too', () => {
    const { environment } = last('FROM node\nARG a=1\nENV b=$a c=3\n');
    expect([environment.varies('a'), environment.varies('b'), environment.varies('c')]).toEqual([true, true, false]);
  });
});

describe('shell', () => {
  const commands = (run: string, before = '') =>
    ((parse(`FROM node\n${before}RUN ${run}\n`).instructions.at(-1) as Run).commands ?? []).map((each) => [
      each.operator ?? '',
      each.text,
      each.simple,
    ]);
  it.each<[string, string, [string, string, boolean][]]>([
    [
      '&& and ; part commands',
      'a && b; c',
      [
        ['', 'a', true],
        ['&&', 'b', true],
        [';', 'c', true],
      ],
    ],
    ['|| stays together', 'a && b || c', [['', 'a && b || c', false]]],
    [
      'a pipeline is one',
      'a && b | c && d',
      [
        ['', 'a', true],
        ['&&', 'b | c', false],
        ['&&', 'd', true],
      ],
    ],
    [
      'continuations and comments vanish',
      'a \\\n # no\n  x \\\n && b',
      [
        ['', 'a x', true],
        ['&&', 'b', true],
      ],
    ],
    [
      'compound commands are one',
      'if a; then b; fi && c',
      [
        ['', 'if a; then b; fi', false],
        ['&&', 'c', true],
      ],
    ],
    [
      'a background command is not simple',
      'a & b',
      [
        ['', 'a &', false],
        [';', 'b', true],
      ],
    ],
    ['quotes keep their blanks', 'echo "a  b"   c', [['', 'echo "a  b" c', true]]],
  ])('%s', (_reason, run, expected) => {
    expect(commands(run)).toEqual(expected);
  });
  it('has offsets in the file', () => {
    const source = 'FROM node\nRUN a && \\\n    npm   ci --x\n';
    const [, second] = (parse(source).instructions[1] as Run).commands ?? [];
    expect(source.slice(...(second?.span ?? [0, 0]))).toBe('npm   ci --x');
  });
  it('resolves constants and nothing else', () => {
    const run = parse('FROM node\nENV D=/srv\nRUN X=1; cd $D ${D}/a "$D b" $X $Y $(z) *.js ~/a\n').instructions.at(
      -1,
    ) as Run;
    expect(run.commands?.[1]?.words.map((word) => word.value)).toEqual([
      'cd',
      '/srv',
      '/srv/a',
      '/srv b',
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
  it.each([
    ['text that does not parse', 'if a', ''],
    ['another shell', 'a', 'SHELL ["powershell", "-Command"]\n'],
  ])('gives up on %s', (_reason, run, before) => {
    expect((parse(`FROM node\n${before}RUN ${run}\n`).instructions.at(-1) as Run).commands).toBeUndefined();
  });
  it('reads the exec form as one command', () => {
    const run = parse('FROM node\nRUN ["npm", "ci"]\n').instructions[1] as Run;
    expect(run.commands?.map((each) => each.words.map((word) => word.value))).toEqual([['npm', 'ci']]);
  });
});

describe('edits', () => {
  it('apply together, in any order', () => {
    expect(
      applyEdits('abcdef', [
        { span: [4, 5], text: 'E' },
        { span: [0, 1], text: '' },
        { span: [2, 2], text: '+' },
      ]),
    ).toBe('b+cdEf');
  });
  it('must not overlap', () => {
    expect(() =>
      applyEdits('abc', [
        { span: [0, 2], text: '' },
        { span: [1, 3], text: '' },
      ]),
    ).toThrow(/overlap/);
  });
});

describe('size', () => {
  it.each([
    ['10,000 instructions', `FROM a\n${'RUN echo a && echo b\n'.repeat(10_000)}`],
    ['5,000 stages', 'FROM a\nRUN x\n'.repeat(5_000)],
    ['a heredoc of 1 MB', `FROM a\nRUN <<EOF\n${'echo x\n'.repeat(150_000)}EOF\n`],
    [
      '10,000 ENV lines',
      `FROM a\n${Array.from({ length: 10_000 }, (_, n) => `ENV A${n}=$A${n - 1}x\n`).join('')}`.replaceAll('x\n', '\n'),
    ],
    ['10,000 continuation lines', `FROM a\nRUN a \\\n${'  b \\\n'.repeat(10_000)}  c\n`],
  ])('%s take less than 4 s', (_reason, source) => {
    // Processor time: others may use the machine.
    const start = process.cpuUsage();
    parse(source);
    expect(process.cpuUsage(start).user / 1e3).toBeLessThan(4_000);
  });
  it('never throws on noise', () => {
    const pieces = [
      'FROM a',
      'RUN',
      ' ',
      '\\',
      '\n',
      '\r',
      '<<EOF',
      '"',
      "'",
      '`',
      '#',
      '[',
      ']',
      ',',
      '$',
      '{',
      '}',
      '\ud800',
      '\u0000',
      'ENV',
      '=',
      '--x',
    ];
    let seed = 7;
    for (let round = 0; round < 3_000; round++) {
      let text = '';
      for (let n = 0; n < 12; n++) {
        seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
        text += pieces[seed % pieces.length] as string;
      }
      expect(keywords(text)).toBeInstanceOf(Array);
    }
  });
});
