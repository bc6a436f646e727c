module neuropod.invalid/tests/cluster/tools/gateway

go 1.24.0

// Nothing of it is built: its definitions are installed.
require sigs.k8s.io/gateway-api v1.6.1
