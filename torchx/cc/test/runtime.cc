// runtime.h.
#include "runtime.h"

#include <cuda.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>

struct CUstream_st {
  int device = 0, last = -1;  // last: operation
  bool non_blocking = false;
  cudaStreamCaptureStatus capture = cudaStreamCaptureStatusNone;
  unsigned long long capture_id = 0;
};

struct CUevent_st {
  int recorded = -1;  // the operation that it follows
};

namespace lenet::runtime {
namespace {

std::recursive_mutex mutex;

// As with CUDA itself, an empty CUDA_VISIBLE_DEVICES hides all devices.
int visible() {
  const char *list = std::getenv("CUDA_VISIBLE_DEVICES");
  return list && !*list ? 0 : 2;
}

// The devices' compute capability.
std::string capability() {
  const char *version = std::getenv("STAND_IN_CAPABILITY");
  return version ? version : "9.0";
}

int devices = visible();
std::set<int> contexts;
std::vector<Operation> operations;
std::vector<cudaStream_t> all_streams;
std::vector<std::string> all_faults;
std::vector<Launch> all_launches;
std::map<const void *, int> limits;  // of kernels' shared memory
std::vector<Call> all_calls;
std::map<std::string, cudaError_t> failures;
unsigned long long captures = 0;
thread_local int device = 0;
thread_local cudaError_t last_error = cudaSuccess;
CUstream_st default_streams[8];

using Lock = std::lock_guard<std::recursive_mutex>;

cudaError_t result(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

// What most functions of the runtime do first.
void need_context() { contexts.insert(device); }

void record(const char *function, const void *memory = nullptr) {
  all_calls.push_back({function, std::this_thread::get_id(), memory});
}

cudaError_t failure(const char *function) {
  const auto found = failures.find(function);
  if (found == failures.end()) return cudaSuccess;
  const cudaError_t error = found->second;
  failures.erase(found);
  return error;
}

CUstream_st *stream_of(cudaStream_t s) { return s ? s : &default_streams[device]; }

int add(cudaStream_t s, const void *to, const void *from, int also_after = -1) {
  s = stream_of(s);
  Operation o{to, from, s, {}, false};
  for (int before : {s->last, also_after})
    if (before >= 0) o.after.push_back(before);
  operations.push_back(o);
  return s->last = static_cast<int>(operations.size()) - 1;
}

void complete(int number) {
  if (number < 0 || operations[number].complete) return;
  operations[number].complete = true;
  for (int before : operations[number].after) complete(before);
}

void check_unused(const void *memory) {
  for (const Operation &o : operations)
    if (!o.complete && memory && (o.from == memory || o.to == memory))
      all_faults.push_back("memory was freed while a copy was under way");
}

}  // namespace

void set_devices(int n) { devices = n; }
bool context_is_open(int d) {
  const Lock lock(mutex);
  return contexts.count(d);
}
Operation operation(int number) {
  const Lock lock(mutex);
  return operations.at(number);
}
int last_copy(const void *to) {
  const Lock lock(mutex);
  for (int i = static_cast<int>(operations.size()) - 1; i >= 0; i--)
    if (operations[i].to == to && operations[i].from) return i;
  return -1;
}
int queue(void *memory, cudaStream_t s) {
  const Lock lock(mutex);
  return add(s, memory, nullptr);
}
bool is_before(int first, int then) {
  const Lock lock(mutex);
  for (int before : operations.at(then).after)
    if (before == first || is_before(first, before)) return true;
  return false;
}
bool is_complete(cudaStream_t s) {
  const Lock lock(mutex);
  return s->last < 0 || operations[s->last].complete;
}
std::vector<cudaStream_t> streams() {
  const Lock lock(mutex);
  return all_streams;
}
bool is_non_blocking(cudaStream_t s) { return s->non_blocking; }
std::vector<std::string> faults() {
  const Lock lock(mutex);
  return all_faults;
}
std::vector<Call> calls() {
  const Lock lock(mutex);
  return all_calls;
}
std::vector<Launch> launches() {
  const Lock lock(mutex);
  return all_launches;
}
void forget_calls() {
  const Lock lock(mutex);
  all_calls.clear();
}
void fail_next(const std::string &function, cudaError_t error) {
  const Lock lock(mutex);
  failures[function] = error;
}

}  // namespace lenet::runtime

using namespace lenet::runtime;

extern "C" {

// ---- Devices

cudaError_t cudaDriverGetVersion(int *version) { return *version = CUDART_VERSION, cudaSuccess; }

cudaError_t cudaGetDeviceCount(int *n) { return *n = devices, result(devices ? cudaSuccess : cudaErrorNoDevice); }

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int) {
  std::memset(p, 0, sizeof *p);
  std::strcpy(p->name, "a stand-in");
  p->major = capability()[0] - '0', p->minor = capability()[2] - '0';
  p->multiProcessorCount = 2, p->maxThreadsPerMultiProcessor = 2048, p->maxThreadsPerBlock = 1024, p->warpSize = 32;
  p->totalGlobalMem = size_t{1} << 30;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int) {
  switch (attribute) {
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = kSharedMemory;
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = 132;
      break;
    case cudaDevAttrComputeCapabilityMajor:
      *value = capability()[0] - '0';
      break;
    case cudaDevAttrCooperativeLaunch:
      *value = 1;
      break;
    default:
      *value = 0;
  }
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int *d) { return *d = device, cudaSuccess; }

cudaError_t cudaSetDevice(int d) {
  const Lock lock(mutex);
  if (d < 0 || d >= devices) return result(cudaErrorInvalidDevice);
  device = d;
  need_context();
  return cudaSuccess;
}

CUresult cuDevicePrimaryCtxGetState(CUdevice d, unsigned *flags, int *active) {
  return *flags = 0, *active = context_is_open(d), CUDA_SUCCESS;
}

cudaError_t cudaDeviceSynchronize() {
  const Lock lock(mutex);
  need_context();
  for (Operation &o : operations) o.complete = true;
  return cudaSuccess;
}

cudaError_t cudaGetLastError() {
  const cudaError_t error = last_error;
  last_error = cudaSuccess;
  return error;
}
cudaError_t cudaPeekAtLastError() { return last_error; }

// ---- Memory

static cudaError_t allocate(void **memory, size_t bytes) {
  const Lock lock(mutex);
  need_context();
  *memory = std::aligned_alloc(512, (bytes + 511) / 512 * 512);
  std::memset(*memory, 0, bytes);
  return cudaSuccess;
}

static cudaError_t deallocate(const char *function, void *memory) {
  const Lock lock(mutex);
  record(function, memory);
  check_unused(memory);
  std::free(memory);
  return cudaSuccess;
}

cudaError_t cudaMalloc(void **memory, size_t bytes) { return allocate(memory, bytes); }
cudaError_t cudaHostAlloc(void **memory, size_t bytes, unsigned) { return allocate(memory, bytes); }
cudaError_t cudaFree(void *memory) { return deallocate("cudaFree", memory); }
cudaError_t cudaFreeHost(void *memory) { return deallocate("cudaFreeHost", memory); }

cudaError_t cudaMemGetInfo(size_t *free, size_t *total) {
  const Lock lock(mutex);
  need_context();
  return *free = *total = size_t{1} << 30, cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind, cudaStream_t s) {
  const Lock lock(mutex);
  need_context();
  std::memcpy(to, from, bytes);
  add(s, to, from);
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t s) {
  const Lock lock(mutex);
  need_context();
  std::memset(to, value, bytes);
  add(s, to, nullptr);
  return cudaSuccess;
}

// ---- Streams and events

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *s, unsigned flags) {
  const Lock lock(mutex);
  need_context();
  *s = new CUstream_st;
  (*s)->device = device, (*s)->non_blocking = flags & cudaStreamNonBlocking;
  all_streams.push_back(*s);
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *s, unsigned flags, int) { return cudaStreamCreateWithFlags(s, flags); }
cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest) { return *least = 0, *greatest = -5, cudaSuccess; }

cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }  // its operations stay

cudaError_t cudaStreamSynchronize(cudaStream_t s) {
  const Lock lock(mutex);
  need_context();
  complete(stream_of(s)->last);
  return cudaSuccess;
}

cudaError_t cudaStreamQuery(cudaStream_t s) { return cudaStreamSynchronize(s); }

cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t e, unsigned) {
  const Lock lock(mutex);
  need_context();
  add(s, nullptr, nullptr, e->recorded);
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *e, unsigned) {
  const Lock lock(mutex);
  need_context();
  *e = new CUevent_st;
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t e) { return delete e, cudaSuccess; }

cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s) {
  const Lock lock(mutex);
  need_context();
  e->recorded = stream_of(s)->last;
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t e) {
  const Lock lock(mutex);
  need_context();
  complete(e->recorded);
  return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t e) { return cudaEventSynchronize(e); }

// ---- Kernels, which are left out

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t *config, const void *kernel, void **) {
  const Lock lock(mutex);
  bool together = false;
  for (unsigned i = 0; i < config->numAttrs; i++)
    together |= config->attrs[i].id == cudaLaunchAttributeCooperative && config->attrs[i].val.cooperative;
  all_launches.push_back({config->dynamicSmemBytes, limits[kernel], together});
  return cudaSuccess;
}
cudaError_t cudaFuncSetAttribute(const void *kernel, cudaFuncAttribute attribute, int value) {
  const Lock lock(mutex);
  if (attribute == cudaFuncAttributeMaxDynamicSharedMemorySize) limits[kernel] = value;
  return cudaSuccess;
}
cudaError_t __cudaGetKernel(void **kernel, const void *function) { return *kernel = const_cast<void *>(function), cudaSuccess; }
cudaError_t __cudaLaunchKernel(void *, dim3, dim3, void **, size_t, cudaStream_t) { return cudaSuccess; }

// ---- Graphs

cudaError_t cudaStreamBeginCapture(cudaStream_t s, cudaStreamCaptureMode) {
  const Lock lock(mutex);
  record("cudaStreamBeginCapture");
  if (const cudaError_t error = failure("cudaStreamBeginCapture")) return result(error);
  s->capture = cudaStreamCaptureStatusActive, s->capture_id = ++captures;
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t *graph) {
  const Lock lock(mutex);
  record("cudaStreamEndCapture");
  s->capture = cudaStreamCaptureStatusNone;
  if (const cudaError_t error = failure("cudaStreamEndCapture")) return *graph = nullptr, result(error);
  *graph = reinterpret_cast<cudaGraph_t>(s);
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t s, cudaStreamCaptureStatus *status) {
  return *status = stream_of(s)->capture, cudaSuccess;
}

cudaError_t cudaStreamGetCaptureInfo(cudaStream_t s, cudaStreamCaptureStatus *status, unsigned long long *id, cudaGraph_t *,
                                     const cudaGraphNode_t **, const cudaGraphEdgeData **, size_t *) {
  const Lock lock(mutex);
  record("cudaStreamGetCaptureInfo");
  *status = stream_of(s)->capture;
  if (id) *id = stream_of(s)->capture_id;
  return cudaSuccess;
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode *) { return cudaSuccess; }

cudaError_t cudaGraphGetNodes(cudaGraph_t, cudaGraphNode_t *, size_t *n) { return *n = 1, cudaSuccess; }

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long) {
  const Lock lock(mutex);
  record("cudaGraphInstantiateWithFlags");
  if (const cudaError_t error = failure("cudaGraphInstantiateWithFlags")) return result(error);
  *exec = reinterpret_cast<cudaGraphExec_t>(graph);
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t, cudaStream_t s) {
  const Lock lock(mutex);
  add(s, nullptr, nullptr);
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t) { return cudaSuccess; }

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t) {
  const Lock lock(mutex);
  record("cudaGraphExecDestroy");
  return cudaSuccess;
}

}  // extern "C"
