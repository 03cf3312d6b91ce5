import { expect, it } from 'vitest';
import { memoryContext } from '../../src/index.ts';

it('takes anything for ignored where there are more patterns than are read', () => {
  const patterns = (count: number): string => Array.from({ length: count }, (_, n) => `name${n}`).join('\n');
  const few = memoryContext({ '.gitignore': `${patterns(10)}\nlast`, 'a.js': '' });
  expect([few.may('last'), few.may('other')]).toEqual([true, false]);
  const many = memoryContext({ '.gitignore': `${patterns(5_000)}\nlast`, 'a.js': '' });
  expect([many.may('last'), many.may('other')]).toEqual([true, true]);
});
