//! How each program is built: data.

use super::{patch::Patch, program::Program};

/// How a program is built.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recipe {
    /// The folder of our Go module, which pins all versions.
    pub(super) folder: &'static str,
    /// Its `go.mod`.
    pub(super) go_mod: &'static str,
    /// The module of the program, which has its version.
    pub(super) module: &'static str,
    /// The package that is built.
    pub(super) package: &'static str,
    /// Variables that set its version.
    pub(super) version: VersionFlags,
    /// The change that is applied first.
    pub(super) patch: Option<Patch>,
    /// Our own part of the program.
    pub(super) own: &'static str,
}

/// How a program gets its version when it is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VersionFlags {
    /// It needs none, or determines it by itself.
    None,
    /// Like the servers of Kubernetes: without it they report `v0.0.0-master`, and clients that compare
    /// versions are misled.
    Kubernetes,
}

impl Recipe {
    pub(super) fn of(program: Program) -> Self {
        match program {
            Program::Etcd => ETCD,
            Program::KubeApiserver => kubernetes("k8s.io/kubernetes/cmd/kube-apiserver"),
            Program::KubeControllerManager => kubernetes("k8s.io/kubernetes/cmd/kube-controller-manager"),
            Program::KubeScheduler => kubernetes("k8s.io/kubernetes/cmd/kube-scheduler"),
            Program::Kubelet => kubernetes("k8s.io/kubernetes/cmd/kubelet"),
            Program::KubeProxy => kubernetes("k8s.io/kubernetes/cmd/kube-proxy"),
            Program::FerretDb => FERRETDB,
            Program::KubeRouter => KUBE_ROUTER,
            Program::MetricsServer => METRICS_SERVER,
            Program::Traefik => TRAEFIK,
        }
    }
}

const fn kubernetes(package: &'static str) -> Recipe {
    Recipe {
        folder: "tools",
        go_mod: include_str!("../../tools/go.mod"),
        module: "k8s.io/kubernetes",
        package,
        version: VersionFlags::Kubernetes,
        patch: None,
        own: "",
    }
}

const ETCD: Recipe = Recipe {
    folder: "tools/etcd",
    go_mod: include_str!("../../tools/etcd/go.mod"),
    module: "go.etcd.io/etcd/server/v3",
    package: "go.etcd.io/etcd/server/v3",
    version: VersionFlags::None,
    patch: None,
    own: "",
};

/// FerretDB with its indexes in use.
///
/// FerretDB 1 on SQLite creates indexes, but queries `_id` by a different expression than that of its index,
/// and nothing else: for nearly every command it reads and decodes the whole collection. On PostgreSQL it queries by an
/// operator for which its indexes are not made. Its results are the
/// same when it reads less, because it applies the whole filter to everything that it has read.
const FERRETDB: Recipe = Recipe {
    folder: "tools/ferretdb",
    go_mod: include_str!("../../tools/ferretdb/go.mod"),
    module: "github.com/FerretDB/FerretDB",
    package: ".",
    version: VersionFlags::None,
    patch: Some(Patch {
        module: "github.com/FerretDB/FerretDB",
        files: &[
            (
                "internal/backends/sqlite/narrow.go",
                include_str!("../../tools/ferretdb/sqlite/narrow.go"),
            ),
            (
                "internal/backends/postgresql/narrow.go",
                include_str!("../../tools/ferretdb/postgresql/narrow.go"),
            ),
        ],
        changes: &[
            [
                "internal/backends/postgresql/query.go",
                "\t\tfilter = fmt.Sprintf(sql, metadata.DefaultColumn, operator, p.Next(), p.Next())\n\
                 \t\targs = append(args, k, string(must.NotFail(sjson.MarshalSingleValue(v))))\n",
                "\t\tfilter, args = narrow(p, k, operator, string(must.NotFail(sjson.MarshalSingleValue(v))))\n",
            ],
            [
                "internal/backends/sqlite/metadata/metadata.go",
                r#"IDColumn = DefaultColumn + "->'$._id'""#,
                r#"IDColumn = DefaultColumn + "->'_id'""#,
            ],
            [
                "internal/backends/sqlite/collection.go",
                "\tq += whereClause\n",
                "\twhereClause, args = narrow(params.Filter)\n\tq += whereClause\n",
            ],
        ],
    }),
    own: include_str!("../../tools/ferretdb/main.go"),
};

/// The firewall of kube-router without its router, whose dependencies are a quarter of the code.
const KUBE_ROUTER: Recipe = Recipe {
    folder: "tools/kube-router",
    go_mod: include_str!("../../tools/kube-router/go.mod"),
    module: "github.com/cloudnativelabs/kube-router/v2",
    package: ".",
    version: VersionFlags::None,
    patch: None,
    own: include_str!("../../tools/kube-router/main.go"),
};

const METRICS_SERVER: Recipe = Recipe {
    folder: "tools/metrics-server",
    go_mod: include_str!("../../tools/metrics-server/go.mod"),
    module: "sigs.k8s.io/metrics-server",
    package: "sigs.k8s.io/metrics-server/cmd/metrics-server",
    version: VersionFlags::None,
    patch: None,
    own: "",
};

/// Traefik without the DNS providers of lego, which obtains certificates: some of their SDKs are unavailable,
/// and none is used here. Two more of its modules are replaced in its `go.mod`, for the same reason.
const TRAEFIK: Recipe = Recipe {
    folder: "tools/traefik",
    go_mod: include_str!("../../tools/traefik/go.mod"),
    module: "github.com/traefik/traefik/v3",
    package: "github.com/traefik/traefik/v3/cmd/traefik",
    version: VersionFlags::None,
    patch: Some(Patch {
        module: "github.com/go-acme/lego/v5",
        files: &[(
            "providers/dns/zz_gen_dns_providers.go",
            include_str!("../../tools/traefik/dns.go.txt"),
        )],
        changes: &[],
    }),
    own: "",
};
