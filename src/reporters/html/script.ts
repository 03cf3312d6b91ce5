/** What the page does by itself: filter, search, and open what is linked to. Nothing is fetched. */
export const SCRIPT = `
const files=[...document.querySelectorAll('details.file')];
const form=document.querySelector('.filter');
const shown=document.querySelector('.filter output');
const apply=()=>{
  const words=form.elements.search.value.toLowerCase().split(/\\s+/).filter(Boolean);
  const status=form.elements.status.value,code=form.elements.code.value;
  let count=0;
  for(const file of files){
    const text=file.dataset.text??=file.textContent.toLowerCase();
    const fits=words.every((word)=>text.includes(word))
      &&(status===''||file.dataset.status===status)
      &&(code===''||file.dataset.codes.split(' ').includes(code));
    file.hidden=!fits;
    if(fits)count++;
  }
  shown.value=count+' of '+files.length+' shown';
};
const reveal=()=>{
  const file=document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if(file instanceof HTMLDetailsElement){file.hidden=false;file.open=true;file.scrollIntoView();}
};
form.addEventListener('input',apply);
form.addEventListener('submit',(event)=>event.preventDefault());
for(const button of document.querySelectorAll('button[data-code]'))
  button.addEventListener('click',()=>{form.elements.code.value=button.dataset.code;apply();form.elements.code.focus();});
addEventListener('hashchange',reveal);
apply();reveal();
`.trim();
