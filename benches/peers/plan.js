// The peer that the project began with: `createPodWithServices` of its first plan, with @kubernetes/client-node.
//
// The four functions below are the plan's, in its order and with its awaits. Different are only these:
// - `ports` is a text in one line of the plan and a list in another; here it is a text, and the pod takes it apart;
// - `generateUserHash`, `generateSecureSubdomain` and `watchPodStatus` are not in the plan; the last one is not awaited
//   there, and does nothing here;
// - what it writes to the console goes nowhere, because the standard output is for answers.
'use strict';

const crypto = require('node:crypto');
const https = require('node:https');
const readline = require('node:readline');
const k8s = require('@kubernetes/client-node');

const console = { log() {}, error: globalThis.console.error };

const kc = new k8s.KubeConfig();
kc.loadFromDefault();

if (process.argv[2] === 'keep-alive') {
  // The client sends each request on a connection of its own, unless an agent keeps them.
  const agent = new https.Agent({ keepAlive: true });
  const makeApiClient = kc.makeApiClient.bind(kc);
  kc.makeApiClient = (type) => {
    const api = makeApiClient(type);
    api.addInterceptor((options) => {
      options.agent = agent;
    });
    return api;
  };
}

function generateUserHash(userId) {
  return crypto.createHash('sha256').update(userId).digest('hex').slice(0, 10);
}

function generateSecureSubdomain(podName, userId, port) {
  return `${podName}-${generateUserHash(userId)}-${port}.neuropod.online`;
}

function watchPodStatus() {}

async function createPodWithServices(podConfig) {
  const k8sApi = kc.makeApiClient(k8s.CoreV1Api);

  const { name: podName, userId, dockerImage, ports, containerDiskSize, volumeDiskSize } = podConfig;
  const userHash = generateUserHash(userId);

  await createOrVerifyUserPVC(userId, volumeDiskSize);

  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${podName}-${userHash}`,
      labels: { app: podName, user: userId },
    },
    spec: {
      containers: [{
        name: 'main',
        image: dockerImage,
        ports: ports.split(',').map((port) => ({ containerPort: parseInt(port) })),
        resources: {
          limits: {
            memory: `${containerDiskSize}Gi`,
            cpu: '2',
            'nvidia.com/gpu': podConfig.gpu.includes('rtx') ? '1' : '0',
          },
        },
        volumeMounts: [{ name: 'workspace', mountPath: '/workspace' }],
      }],
      volumes: [{
        name: 'workspace',
        persistentVolumeClaim: { claimName: `workspace-${userHash}` },
      }],
    },
  };

  try {
    await k8sApi.createNamespacedPod('default', pod);
    console.log(`Pod ${podName}-${userHash} creado exitosamente`);

    const portsArray = ports.split(',').map((p) => parseInt(p.trim()));

    for (const port of portsArray) {
      await createServiceForPort(podName, userHash, userId, port);

      const subdomain = generateSecureSubdomain(podName, userId, port);
      await createIngressForPort(podName, userHash, port, subdomain);
    }

    watchPodStatus(podName, userHash, userId, portsArray);

    return { podName: `${podName}-${userHash}`, status: 'creating' };
  } catch (error) {
    console.error(`Error al crear pod ${podName}:`, error);
    throw error;
  }
}

async function createOrVerifyUserPVC(userId, volumeDiskSize) {
  const k8sApi = kc.makeApiClient(k8s.CoreV1Api);
  const userHash = generateUserHash(userId);

  const pvcName = `workspace-${userHash}`;

  try {
    await k8sApi.readNamespacedPersistentVolumeClaim(pvcName, 'default');
    console.log(`PVC ${pvcName} ya existe, usando el existente`);
    return;
  } catch (error) {
    if (error.statusCode === 404) {
      const pvc = {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: pvcName },
        spec: {
          accessModes: ['ReadWriteMany'],
          resources: { requests: { storage: `${volumeDiskSize}Gi` } },
          storageClassName: 'standard',
        },
      };

      await k8sApi.createNamespacedPersistentVolumeClaim('default', pvc);
      console.log(`PVC ${pvcName} creado exitosamente`);
    } else {
      throw error;
    }
  }
}

async function createServiceForPort(podName, userHash, userId, port) {
  const k8sApi = kc.makeApiClient(k8s.CoreV1Api);

  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: `${podName}-${userHash}-${port}-service`,
      labels: { app: podName, user: userId, port: `${port}` },
    },
    spec: {
      selector: { app: podName, user: userId },
      ports: [{ port: port, targetPort: port, protocol: 'TCP' }],
      type: 'ClusterIP',
    },
  };

  await k8sApi.createNamespacedService('default', service);
  console.log(`Service ${podName}-${userHash}-${port}-service creado`);
}

async function createIngressForPort(podName, userHash, port, subdomain) {
  const k8sNetworkingApi = kc.makeApiClient(k8s.NetworkingV1Api);

  const ingress = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name: `${podName}-${userHash}-${port}-ingress`,
      annotations: {
        'kubernetes.io/ingress.class': 'neuropod-nginx',
        'nginx.ingress.kubernetes.io/proxy-read-timeout': '3600',
        'nginx.ingress.kubernetes.io/proxy-send-timeout': '3600',
        'nginx.ingress.kubernetes.io/proxy-http-version': '1.1',
        'nginx.ingress.kubernetes.io/configuration-snippet': `
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection "upgrade";
        `,
      },
    },
    spec: {
      rules: [{
        host: subdomain,
        http: {
          paths: [{
            path: '/',
            pathType: 'Prefix',
            backend: {
              service: {
                name: `${podName}-${userHash}-${port}-service`,
                port: { number: port },
              },
            },
          }],
        },
      }],
    },
  };

  await k8sNetworkingApi.createNamespacedIngress('default', ingress);
  console.log(`Ingress ${podName}-${userHash}-${port}-ingress creado para ${subdomain}`);
}

// From here on it is ours: the commands, which src/clients/mod.rs describes.

let planned;

async function obey([command, ...words]) {
  if (command === 'prepare') {
    const ports = Array.from({ length: Number(words[0]) }, (_, index) => 8888 + index);
    planned = {
      name: 'lab',
      userId: crypto.randomBytes(12).toString('hex'),
      dockerImage: 'quay.io/jupyter/base-notebook:latest',
      ports: ports.join(', '),
      containerDiskSize: 20,
      volumeDiskSize: 20,
      gpu: 'none',
      enableJupyter: true,
    };
    return 'ok';
  }
  if (command === 'create') {
    const started = process.hrtime.bigint();
    await createPodWithServices(planned);
    return `ok ${(process.hrtime.bigint() - started) / 1000n}`;
  }
  throw new Error(`no such command: ${command}`);
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;
    try {
      answer = await obey(line.split(' '));
    } catch (error) {
      answer = `error ${error.body ? JSON.stringify(error.body) : error}`.replaceAll('\n', ' ');
    }
    process.stdout.write(`${answer}\n`);
  }
})();
