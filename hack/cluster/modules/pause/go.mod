module ctr-operator.local/pause

go 1.26.0
