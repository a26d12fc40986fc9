node scripts/build.mjs >/dev/null 2>&1; N=node_modules/node/bin/node; for i in 1 2; do $N bench/prof.ts engine 64 15000 4 | tail -2; done
