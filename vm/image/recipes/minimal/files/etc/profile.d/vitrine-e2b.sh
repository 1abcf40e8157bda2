# Commands of E2B's SDKs find the programs that lead to this desktop first.
[ -z "$E2B_SANDBOX" ] || PATH=/opt/vitrine/e2b:$PATH
