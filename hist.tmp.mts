import { histories } from '/work/wt/cluster/test/support/cluster/scenarios.js';
const t=performance.now();
for (let k=0;k<10;k++) { console.log(k, JSON.stringify(histories(7_000_000+k*1000, 1000)), Math.round((performance.now()-t)/1000)); }
