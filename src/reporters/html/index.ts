export { htmlReport } from './page.ts';
export type { HtmlColumn, HtmlFile, HtmlReport, HtmlRepository } from './input.ts';
