export { htmlReport } from './page.ts';
export type { HtmlColumn, HtmlFile, HtmlReport } from './input.ts';
