// SPDX-License-Identifier: Apache-2.0
//
// Networks on a GPU, on the emulated one and a TensorRT that is made up: what is copied, captured, charged
// and given back, what stays there, and which way a graph goes when something is not there.
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <talkrt/error.hpp>
#include <thread>

#include "engine/src/nn/choose_backend.hpp"
#include "engine/src/nn/device_arena.hpp"
#include "engine/src/nn/engine_choice.hpp"
#include "engine/src/nn/gpu_ports.hpp"
#include "engine/src/nn/onnxruntime_graph.hpp"
#include "engine/src/nn/tensorrt_graph.hpp"
#include "tests/emulation/controls.h"
#include "tests/engine/nn/accumulator.hpp"
#include "tests/engine/nn/onnxruntime_on_host.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

namespace talkrt::nn {
namespace {

/// What TensorRT holds of the host's memory when its GPU is lost goes with the process: nobody may call it.
#if defined(__SANITIZE_ADDRESS__)
using LeftToTheProcess = __lsan::ScopedDisabler;
#else
struct LeftToTheProcess {};
#endif

using device::Budget;
using device::MemoryKind;
using Floats = std::vector<float>;

void fail_next(const char* function, int error) { talkrt_emulation_fail_call(function, error); }
std::size_t bytes_held() { return talkrt_emulation_bytes_taken(); }
std::uint64_t launches() { return talkrt_emulation_calls("cudaGraphLaunch"); }

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

device::CudaDevice emulated_gpu() {
  setenv("TALKRT_CUDA_MODULE", TALKRT_EMULATED_MODULE, 1);
  return {device::open_cuda_module(0), 0};
}

/// Every test sees the fake module, and leaves the emulated GPU empty.
class GpuBackEnds : public testing::Test {
 protected:
  void SetUp() override {
    setenv("TALKRT_TENSORRT_MODULE", TALKRT_FAKE_TENSORRT, 1);
    setenv("TALKRT_TENSORRT", "full", 1);
    talkrt_emulation_restore();
    talkrt_emulation_set_late(1);  // whoever does not wait finds old numbers
  }
  void TearDown() override {
    talkrt_emulation_restore();
    talkrt_emulation_set_late(0);
    EXPECT_EQ(bytes_held(), 0u);
    unsetenv("TALKRT_TENSORRT_MODULE");
    unsetenv("TALKRT_TENSORRT");
  }

  std::unique_ptr<Graph> open(const ProbePlan& probe, Budget* budget = nullptr) {
    return std::make_unique<TensorRtGraph>(std::make_shared<const TensorRtLibrary>(), gpu, probe.plan(),
                                           probe.spec(), probe.plan().manifest().engines.at(0), budget);
  }

  /// What the chosen back end makes of a plan; `log` gets its lines.
  std::unique_ptr<Graph> choose(const ProbePlan& probe) {
    BackendOptions options;
    options.gpu = &gpu;
    options.log = [this](const std::string& line) { log += line + "\n"; };
    backend = choose_backend(std::move(options));
    return backend->open(probe.plan(), probe.spec());
  }

  const device::CudaDevice gpu = emulated_gpu();
  std::string log;
  std::unique_ptr<Backend> backend;
};

template <class F>
std::string refused(talkrt_status code, F&& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

TEST_F(GpuBackEnds, an_engine_computes_feeds_its_state_back_and_is_one_launch_from_its_second_run_on) {
  const ProbePlan probe = accumulator_plan({{}});
  Budget budget("model", 0);
  {
    const auto graph = open(probe, &budget);
    EXPECT_EQ(graph->backend(), "tensorrt");
    const auto instance = graph->instance(&budget);
    const std::uint64_t before = launches();
    EXPECT_EQ(step(*instance, 1, 0), (Floats{11, 22}));
    EXPECT_EQ(launches(), before);
    EXPECT_EQ(step(*instance, 0, 1), (Floats{14, 26}));
    EXPECT_EQ(step(*instance, 1, 1), (Floats{18, 32}));
    EXPECT_EQ(launches(), before + 2);
    instance->reset();
    EXPECT_EQ(step(*instance, 0, 0), (Floats{10, 20}));
    EXPECT_EQ(budget.used(MemoryKind::device) + budget.used(MemoryKind::pinned), bytes_held());
    EXPECT_GT(budget.used(MemoryKind::device), 4096u);  // the context's memory, and more
    EXPECT_EQ(instance->times().runs, 4u);
  }
  EXPECT_EQ(budget.used(MemoryKind::device) + budget.used(MemoryKind::pinned), 0u);
}

TEST_F(GpuBackEnds, a_warm_instance_has_been_captured_and_starts_from_its_first_state) {
  const ProbePlan probe = accumulator_plan({{}});
  const auto graph = open(probe);
  const auto instance = graph->instance();
  instance->warm();
  const std::uint64_t before = launches();
  EXPECT_EQ(step(*instance, 1, 0), (Floats{11, 22}));
  EXPECT_EQ(launches(), before + 1);
}

TEST_F(GpuBackEnds, an_engine_that_cannot_be_captured_runs_without) {
  const ProbePlan probe = accumulator_plan({{}});
  const auto graph = open(probe);
  const auto instance = graph->instance();
  fail_next("cudaStreamBeginCapture", 900);
  const std::uint64_t before = launches();
  EXPECT_EQ(step(*instance, 1, 0), (Floats{11, 22}));
  EXPECT_EQ(step(*instance, 0, 1), (Floats{14, 26}));
  EXPECT_EQ(step(*instance, 1, 1), (Floats{18, 32}));
  EXPECT_EQ(launches(), before);
}

TEST_F(GpuBackEnds, an_engine_without_weights_is_refitted_with_the_plans) {
  const ProbePlan probe = accumulator_plan({{.stripped = true}});
  const auto graph = open(probe);
  EXPECT_EQ(step(*graph->instance(), 1, 0), (Floats{11, 22}));
}

TEST_F(GpuBackEnds, instances_share_an_input_which_is_copied_when_they_are_made_and_reset) {
  const ProbePlan probe = accumulator_plan({{}});
  const auto graph = open(probe);
  Floats x{1, 0};
  const Shared shared[] = {{"x", x}};
  const auto instance = graph->instance(nullptr, {shared, {}, {}});
  instance->run();
  EXPECT_EQ(instance->output("y")[0], 11);
  x[0] = 3;
  instance->reset();
  instance->run();
  EXPECT_EQ(instance->output("y")[0], 13);
  EXPECT_TRUE(
      contains(refused(TALKRT_ERROR_NOT_FOUND, [&] { (void)instance->input("x"); }), "no input \"x\""));
}

/// The other one's y as its x.
std::unique_ptr<Instance> linked(const Graph& graph, Instance& from,
                                 std::span<const std::string_view> unread = {}, Budget* budget = nullptr) {
  const Link links[] = {{"x", &from, "y"}};
  return graph.instance(budget, {{}, links, unread});
}

constexpr std::string_view kY[] = {"y"};

TEST_F(GpuBackEnds, what_another_network_reads_stays_on_the_gpu) {
  const ProbePlan probe = accumulator_plan({{}});
  const auto graph = open(probe);
  Budget budget("model", 0);
  const auto first = graph->instance(&budget, {{}, {}, kY});
  EXPECT_EQ(budget.used(MemoryKind::pinned), 256u);  // x
  const auto second = linked(*graph, *first, {}, &budget);
  EXPECT_EQ(budget.used(MemoryKind::pinned), 512u);  // and the second one's y
  first->warm(), second->warm();
  const std::uint64_t copies = talkrt_emulation_calls("cudaMemcpyAsync"), before = launches();
  const auto x = first->input("x");
  for (const Floats& expected : {Floats{87, 130}, Floats{171, 250}}) {
    x[0] = 1, x[1] = 0;
    first->run();
    second->run();
    EXPECT_EQ(Floats(second->output("y").begin(), second->output("y").end()), expected);
  }
  EXPECT_EQ(launches() - before, 4u);
  EXPECT_EQ(talkrt_emulation_calls("cudaMemcpyAsync"), copies);  // but what was captured
  EXPECT_EQ(talkrt_emulation_calls("cudaStreamWaitEvent"), 0u);  // one stream for both
  EXPECT_TRUE(contains(refused(TALKRT_ERROR_NOT_FOUND, [&] { (void)first->output("y"); }), "it has: none"));
  EXPECT_TRUE(contains(refused(TALKRT_ERROR_NOT_FOUND, [&] { (void)second->input("x"); }), "no input \"x\""));
}

TEST_F(GpuBackEnds, an_input_may_be_written_when_the_run_that_nobody_waited_for_has_read_it) {
  const ProbePlan probe = accumulator_plan({{}});
  const auto graph = open(probe);
  const auto instance = graph->instance(nullptr, {{}, {}, kY});
  for (const float value : {1.0f, 0.0f, 1.0f}) {
    const auto x = instance->input("x");
    x[0] = value, x[1] = 1 - value;
    instance->run();
  }
  const DeviceOutput y = *instance->device_output("y");
  y.written->wait();
  EXPECT_EQ(Floats(y.data.begin(), y.data.end()),
            (Floats{15, 28}));  // the emulated GPU's memory is the host's
}

TEST_F(GpuBackEnds, a_link_to_or_from_the_cpu_goes_over_the_host) {
  const ProbePlan probe = accumulator_plan({{}});
  const auto gpu_graph = open(probe);
  const auto cpu_graph = open_onnxruntime("")->open(probe.plan(), probe.spec());
  const auto to_cpu = gpu_graph->instance();
  const auto on_cpu = linked(*cpu_graph, *to_cpu, kY);
  const auto from_cpu = linked(*gpu_graph, *on_cpu);
  EXPECT_FALSE(on_cpu->device_output("y"));
  EXPECT_LT(on_cpu->bytes(), cpu_graph->instance()->bytes());  // it reads where the other one writes
  for (const Floats& expected : {Floats{487, 714}, Floats{1408, 2056}}) {
    (void)step(*to_cpu, 1, 0);
    on_cpu->run();
    from_cpu->run();
    EXPECT_EQ(Floats(from_cpu->output("y").begin(), from_cpu->output("y").end()), expected);
  }
}

/// y = 2 x, put on a stream as a library would.
struct Doubling {
  GpuPorts ports;
  std::pair<float*, const float*> work;

  Doubling(const ProbePlan& probe, const device::CudaDevice& gpu, Budget& budget, const Ties& ties)
      : ports(probe.plan(), probe.spec(), {std::make_shared<const device::CudaStream>(gpu), false}, ties,
              budget),
        work(reinterpret_cast<float*>(ports.outputs()[0].memory),
             reinterpret_cast<const float*>(ports.inputs()[0].memory)) {}

  void run() {
    ports.begin();
    ports.copy_in();
    talkrt_emulation_enqueue(
        ports.stream().handle(),
        [](void* data) {
          const auto& [y, x] = *static_cast<std::pair<float*, const float*>*>(data);
          for (int i = 0; i < 2; ++i) y[i] = 2 * x[i];
        },
        &work);
    ports.copy_out();
    ports.end();
  }
};

/// What a test's own network is to those that are linked to it.
class Made final : public Instance {
 public:
  explicit Made(Doubling& network) : network_(network) {}
  std::span<float> input(std::string_view name) override { return network_.ports.input(name); }
  std::span<const float> output(std::string_view name) const override { return network_.ports.output(name); }
  std::optional<DeviceOutput> device_output(std::string_view name) const override {
    return network_.ports.device_output(name);
  }
  void warm() override {}
  void reset() override {}
  std::size_t bytes() const noexcept override { return 0; }

 private:
  void execute() override { network_.run(); }
  Doubling& network_;
};

TEST_F(GpuBackEnds, on_different_streams_nobody_reads_too_early_or_writes_too_soon) {
  const ProbePlan probe = accumulator_plan();
  Budget budget("model", 0);
  Doubling first(probe, gpu, budget, {});
  Made made(first);
  const Link links[] = {{"x", &made, "y"}};
  Doubling second(probe, gpu, budget, {{}, links, kY});
  for (const float value : {3.0f, 5.0f}) {
    made.input("x")[0] = value;
    made.run();
    EXPECT_EQ(made.output("y")[0], 2 * value);
    second.run();  // is told, and waits for nobody
    made.input("x")[0] = 100;
    made.run();  // which may not write before the second one has read
    EXPECT_EQ(made.output("y")[0], 200);
    const DeviceOutput y = second.ports.device_output("y");
    y.written->wait();
    EXPECT_EQ(y.data[0], 4 * value);
  }
}

TEST_F(GpuBackEnds, memory_that_ends_and_a_gpu_that_is_lost_at_any_call_are_codes_and_leave_nothing) {
  const ProbePlan probe = accumulator_plan({{}});
  Budget budget("model", 0);
  const auto life = [&] {
    const auto graph = open(probe, &budget);
    const auto first = graph->instance(&budget, {{}, {}, kY});
    const auto second = linked(*graph, *first, {}, &budget);
    first->warm(), second->warm();
    first->input("x")[0] = 1;
    first->run(), second->run();
    return second->output("y")[0];
  };
  const std::uint64_t start = talkrt_emulation_calls(nullptr);
  EXPECT_EQ(life(), 87);
  const std::uint64_t calls = talkrt_emulation_calls(nullptr) - start;
  const auto even = [&] {
    talkrt_emulation_restore();
    return bytes_held() == 0 && budget.used(MemoryKind::device) + budget.used(MemoryKind::pinned) == 0;
  };
  const std::pair<int, talkrt_status> kinds[] = {{700, TALKRT_ERROR_DEVICE_LOST},
                                                 {2, TALKRT_ERROR_OUT_OF_MEMORY}};
  for (const auto& [error, code] : kinds) {
    int refusals = 0;
    std::optional<LeftToTheProcess> left;
    if (code == TALKRT_ERROR_DEVICE_LOST) left.emplace();
    for (std::uint64_t nth = 0; nth < calls; ++nth) {
      talkrt_emulation_fail(nth, error);
      try {
        const float y = life();
        EXPECT_TRUE(y == 87) << nth;  // what failed gives something back, or was tried another way
      } catch (const Error& refused) {
        const bool by_tensorrt = error == 2 && contains(refused.what(), "TensorRT: CUDA failed");
        EXPECT_EQ(refused.code(), by_tensorrt ? TALKRT_ERROR_BACKEND_FAILED : code) << nth << refused.what();
        ++refusals;
      }
      ASSERT_TRUE(even()) << "call " << nth;
    }
    EXPECT_GT(refusals, 40);
  }
}

TEST_F(GpuBackEnds, an_engine_of_another_version_of_the_graph_is_not_run) {
  const ProbePlan probe = accumulator_plan({{.source = std::string(64, '0')}});
  const std::string why = refused(TALKRT_ERROR_BACKEND_FAILED, [&] { open(probe); });
  EXPECT_TRUE(contains(why, "built from another version of the graph")) << why;
  EXPECT_TRUE(contains(why, "talkrt compile probe.plan")) << why;
}

TEST_F(GpuBackEnds, an_engine_that_tensorrt_refuses_is_named_with_its_reason) {
  const ProbePlan probe = accumulator_plan({{.surplus_floats = 1}});
  const std::string why = refused(TALKRT_ERROR_BACKEND_FAILED, [&] { open(probe); });
  EXPECT_TRUE(contains(why, "engine of graph probe: these bytes are no engine of mine")) << why;
}

TEST_F(GpuBackEnds, an_engine_with_other_ports_than_the_manifests_is_refused) {
  auto entry = accumulator_entry();
  entry["outputs"][0]["shape"] = {1, 3};
  const ProbePlan probe = accumulator_plan({{}}, entry);
  const std::string why = refused(TALKRT_ERROR_BACKEND_FAILED, [&] { open(probe); });
  EXPECT_TRUE(contains(why, "output \"y\" is F32 [1, 2], expected F32 [1, 3]")) << why;
}

TEST_F(GpuBackEnds, what_the_gpu_has_not_is_said_and_the_account_is_even) {
  const ProbePlan probe = accumulator_plan({{}});
  Budget budget("model", 0);
  fail_next("cudaMalloc", 2);
  const std::string why = refused(TALKRT_ERROR_OUT_OF_MEMORY, [&] { open(probe, &budget); });
  EXPECT_TRUE(contains(why, "the GPU refused 16 B of device memory for \"weights\" of graph probe")) << why;
  fail_next("cudaMemset", 1);
  (void)refused(TALKRT_ERROR_BACKEND_FAILED, [&] { open(probe, &budget); });
  const auto graph = open(probe, &budget);
  const auto before = budget.used(MemoryKind::device);
  fail_next("cudaMallocHost", 2);
  (void)refused(TALKRT_ERROR_OUT_OF_MEMORY, [&] { (void)graph->instance(&budget); });
  EXPECT_EQ(budget.used(MemoryKind::device), before);
  EXPECT_EQ(budget.used(MemoryKind::pinned), 0u);
}

TEST_F(GpuBackEnds, page_locked_memory_beyond_the_budget_is_refused_before_it_is_taken) {
  const ProbePlan probe = accumulator_plan({{}});
  const auto graph = open(probe);
  Budget small("session", 100);
  const std::size_t before = bytes_held();
  const std::string why = refused(TALKRT_ERROR_OUT_OF_BUDGET, [&] { (void)graph->instance(&small); });
  EXPECT_TRUE(contains(why, "asks for 512 B of pinned memory")) << why;
  EXPECT_EQ(bytes_held(), before);
}

TEST_F(GpuBackEnds, a_gpu_that_is_lost_in_a_run_has_its_own_code) {
  const ProbePlan probe = accumulator_plan({{}});
  [[maybe_unused]] LeftToTheProcess left{};
  const auto graph = open(probe);
  const auto instance = graph->instance();
  fail_next("cudaEventQuery", 719);
  const std::string why = refused(TALKRT_ERROR_DEVICE_LOST, [&] { instance->run(); });
  EXPECT_TRUE(contains(why, "the GPU failed while in use")) << why;
  (void)refused(TALKRT_ERROR_DEVICE_LOST, [&] { instance->run(); });
}

TEST_F(GpuBackEnds, a_graph_goes_to_tensorrt_where_the_plan_has_an_engine_for_this_gpu) {
  const ProbePlan probe = accumulator_plan({{}});
  EXPECT_EQ(choose(probe)->backend(), "tensorrt");
  EXPECT_EQ(log, "probe.plan: graph probe: runs in tensorrt\n");
  const auto described = nlohmann::json::parse(backend->describe_json());
  EXPECT_EQ(described["tensorrt"]["version"], "11.4.0.106");
  EXPECT_EQ(described["graphs"][0]["backend"], "tensorrt");
  backend.reset();
}

TEST_F(GpuBackEnds, what_a_graph_needs_is_known_before_it_is_opened) {
  const auto needs = [&](const ProbePlan& probe) {
    (void)choose(probe);
    const Budget::Line line = backend->needs(probe.plan(), probe.spec());
    EXPECT_EQ(line.what, "graph probe");
    return std::pair(line.kind, line.bytes);
  };
  EXPECT_EQ(needs(accumulator_plan({{}})), std::pair(MemoryKind::device, std::uint64_t{44}));  // the engine
  EXPECT_EQ(needs(accumulator_plan({{.stripped = true}})), std::pair(MemoryKind::device, std::uint64_t{16}));
  EXPECT_EQ(needs(accumulator_plan()), std::pair(MemoryKind::host, std::uint64_t{16}))
      << "packed, on the CPU";
  EXPECT_EQ(needs(accumulator_plan({{}}, accumulator_entry(999'999))).first, MemoryKind::host);
  const ProbePlan probe = accumulator_plan();
  EXPECT_EQ(OnnxRuntimeGraph::needs(probe.plan(), probe.spec(), true).bytes, cuda_arena_bytes(16, 0));
  backend.reset();
}

TEST_F(GpuBackEnds, without_an_engine_each_step_down_has_one_line_with_its_reason) {
  const ProbePlan probe = accumulator_plan();
  const auto graph = choose(probe);
  // The ONNX Runtime of these tests is built for CPUs; its words are its own.
  EXPECT_EQ(graph->backend(), "onnxruntime-cpu");
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 3) << log;
  EXPECT_TRUE(
      contains(log,
               "graph probe: not in TensorRT: the plan has no TensorRT engine of it; \"talkrt compile "
               "probe.plan\" adds one"))
      << log;
  EXPECT_TRUE(contains(log, "graph probe: not in ONNX Runtime on the GPU: ONNX Runtime 1.")) << log;
  EXPECT_TRUE(contains(log, "failed at opening its CUDA provider: ")) << log;
  EXPECT_TRUE(contains(log, "graph probe: runs in onnxruntime-cpu")) << log;
  EXPECT_EQ(step(*graph->instance(), 1, 0), (Floats{11, 22}));
  const auto described = nlohmann::json::parse(backend->describe_json());
  EXPECT_FALSE(described["onnxruntime_cuda"]["ready"].get<bool>());
  EXPECT_EQ(described["graphs"][0]["reasons"].size(), 2u);
  backend.reset();
}

TEST_F(GpuBackEnds, what_takes_microseconds_stays_on_the_cpu_although_there_is_an_engine) {
  const ProbePlan probe = accumulator_plan({{}}, accumulator_entry(999'999));
  EXPECT_EQ(choose(probe)->backend(), "onnxruntime-cpu");
  EXPECT_TRUE(contains(log, "stays on the CPU: 999999 multiply-adds take microseconds there")) << log;
  auto unstated = accumulator_entry();
  unstated.erase("multiply_adds");
  EXPECT_TRUE(
      contains(stays_on_cpu(accumulator_plan({}, unstated).plan(), accumulator_plan({}, unstated).spec()),
               "4 weights take microseconds"));
  backend.reset();
}

TEST_F(GpuBackEnds, without_a_tensorrt_everything_runs_on_the_cpu_and_says_why) {
  const ProbePlan probe = accumulator_plan({{}});
  setenv("TALKRT_TENSORRT", "none", 1);  // which says so in two lines
  EXPECT_EQ(choose(probe)->backend(), "onnxruntime-cpu");
  EXPECT_TRUE(contains(log, "not in TensorRT: no TensorRT (none: no such library); pip install tensorrt"))
      << log;
  log.clear();
  setenv("TALKRT_TENSORRT_MODULE", "/no/such/module.so", 1);
  EXPECT_EQ(choose(probe)->backend(), "onnxruntime-cpu");
  EXPECT_TRUE(contains(log, "no TensorRT module (/no/such/module.so")) << log;
  EXPECT_TRUE(contains(log, "set TENSORRT_ROOT to a checkout of github.com/NVIDIA/TensorRT")) << log;
  backend.reset();
}

TEST_F(GpuBackEnds, an_account_that_refuses_is_no_step_down) {
  const ProbePlan probe = accumulator_plan({{}});
  BackendOptions options;
  options.gpu = &gpu;
  backend = choose_backend(std::move(options));
  fail_next("cudaMalloc", 2);
  (void)refused(TALKRT_ERROR_OUT_OF_MEMORY, [&] { (void)backend->open(probe.plan(), probe.spec()); });
  backend.reset();
}

TEST(EngineChoice, is_the_one_for_this_gpu_then_another_of_its_kind_then_none_with_the_reason) {
  const EngineHost host{"emulation", {9, 0}, {11, 4, 1, 7}, false};
  const auto chosen = [&](const std::vector<FakeEngine>& engines, const EngineHost& here) {
    const ProbePlan probe = accumulator_plan(engines);
    const EngineChoice choice = choose_engine(probe.plan(), "probe", here);
    return (choice.engine != nullptr ? choice.engine->tensor.substr(13) : "-") + " " + choice.why;
  };
  const FakeEngine sister{.gpu = "Sister"}, mine{}, ampere{.compute_capability = {8, 0}, .gpu = "Old"};
  EXPECT_EQ(chosen({sister, mine, ampere}, host), "1 ");
  EXPECT_TRUE(
      chosen({ampere, sister}, host).starts_with("1 its engine was tuned for Sister; \"talkrt compile"));
  EXPECT_TRUE(chosen({ampere}, host)
                  .starts_with("- of its TensorRT engines, the one for Old (8.0) is for another kind of GPU "
                               "than emulation (9.0); "));
  EXPECT_TRUE(chosen({}, host).starts_with("- the plan has no TensorRT engine of it; "));

  const auto version = [](std::vector<int> built, bool compatible) {
    return FakeEngine{.tensorrt = std::move(built), .version_compatible = compatible};
  };
  EXPECT_EQ(chosen({version({10, 9, 0, 0}, true)}, host), "0 ");
  EXPECT_TRUE(
      contains(chosen({version({11, 5, 0, 0}, true)}, host), "11.5.0.0 built does not run in 11.4.1.7"));
  EXPECT_TRUE(contains(chosen({version({9, 9, 0, 0}, true)}, host), "does not run in"));
  EXPECT_TRUE(
      contains(chosen({version({11, 4, 0, 7}, false)}, host), "runs in that version only, and this is"));
  EXPECT_EQ(chosen({version({11, 4, 1, 9}, false)}, host), "0 ");
  EXPECT_EQ(chosen({version({11, 4, 0, 1}, true), version({11, 4, 1, 9}, true)}, host), "1 ");
  EngineHost lean = host;
  lean.version_compatible_only = true;
  EXPECT_TRUE(contains(chosen({version({11, 4, 1, 9}, false)}, lean),
                       "is not version-compatible, as this runtime needs"));
}

TEST_F(GpuBackEnds, onnxruntime_binds_twins_on_the_gpu_copies_ports_and_keeps_states_there) {
  const ProbePlan probe = accumulator_plan();
  Budget budget("model", 0);
  talkrt_emulation_set_late(0);  // ONNX Runtime computes at once here
  {
    const auto cuda = std::make_shared<const OnHost>(gpu);
    const OnnxRuntimeGraph opened(std::make_shared<OnnxRuntimeLibrary>(""), probe.plan(), probe.spec(), 1,
                                  &budget, cuda);
    const Graph& graph = opened;
    EXPECT_EQ(graph.backend(), "onnxruntime-cuda");
    EXPECT_EQ(budget.used(MemoryKind::device), cuda->arena);
    EXPECT_EQ(cuda->arena, cuda_arena_bytes(16, 0));
    const auto instance = graph.instance(&budget);
    EXPECT_EQ(step(*instance, 1, 0), (Floats{11, 22}));
    EXPECT_EQ(step(*instance, 0, 1), (Floats{14, 26}));
    EXPECT_EQ(step(*instance, 1, 1), (Floats{18, 32}));
    instance->reset();
    EXPECT_EQ(step(*instance, 0, 0), (Floats{10, 20}));
    // After the first run nothing is charged that was not taken: ONNX Runtime computes in our arena.
    EXPECT_EQ(budget.used(MemoryKind::device) + budget.used(MemoryKind::pinned), bytes_held());
    EXPECT_GE(budget.used(MemoryKind::device), std::uint64_t{2} << 20);
    EXPECT_LT(budget.used(MemoryKind::device), cuda->arena);

    const Floats x{2, 0};
    const Shared shared[] = {{"x", x}};
    const auto sharing = graph.instance(&budget, {shared, {}, {}});
    sharing->run();
    EXPECT_EQ(sharing->output("y")[0], 12);
    fail_next("cudaMemcpyAsync", 719);
    (void)refused(TALKRT_ERROR_DEVICE_LOST, [&] { instance->run(); });
  }
  EXPECT_EQ(budget.used(MemoryKind::device), 0u);
}

TEST_F(GpuBackEnds, an_arena_gives_out_again_what_came_back_and_takes_more_than_its_allowance_where_it_must) {
  constexpr std::uint64_t kMiB = 1 << 20;
  Budget budget("graph", device::Limits{0, 8 * kMiB});
  device::Charge allowance(budget, "ONNX Runtime's arena", 3 * kMiB, MemoryKind::device);
  DeviceArena arena(gpu, budget, allowance);
  void* const a = arena.take(kMiB - 1);
  void* const b = arena.take(kMiB);
  EXPECT_EQ(static_cast<std::byte*>(b) - static_cast<std::byte*>(a), std::ptrdiff_t{kMiB});
  EXPECT_EQ(budget.used(MemoryKind::device), 3 * kMiB);
  EXPECT_EQ(arena.bytes(), 2 * kMiB);
  arena.give(a);
  EXPECT_EQ(arena.take(100), a);
  void* const c = arena.take(kMiB - 256);
  EXPECT_EQ(c, static_cast<std::byte*>(a) + 256);
  for (void* block : {a, b, c, a}) arena.give(block);
  EXPECT_EQ(arena.take(2 * kMiB), a);  // they have become one again
  void* const more = arena.take(3 * kMiB);
  EXPECT_EQ(allowance.bytes(), 0u);
  EXPECT_EQ(budget.used(MemoryKind::device), 6 * kMiB);
  arena.give(more), arena.give(nullptr);
  EXPECT_TRUE(
      contains(refused(TALKRT_ERROR_OUT_OF_BUDGET, [&] { (void)arena.take(5 * kMiB); }), "ONNX Runtime's"));
  EXPECT_EQ(arena.take(4 * kMiB), more);
  EXPECT_EQ(bytes_held(), 6 * kMiB);
}

TEST_F(GpuBackEnds, sessions_of_one_graph_run_it_at_the_same_time) {
  const ProbePlan probe = accumulator_plan();
  talkrt_emulation_set_late(0);
  const auto cuda = std::make_shared<const OnHost>(gpu);
  const OnnxRuntimeGraph graph(std::make_shared<OnnxRuntimeLibrary>(""), probe.plan(), probe.spec(), 1,
                               nullptr, cuda);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const auto mine = static_cast<const Graph&>(graph).instance();
      float sum = 10;
      for (int run = 0; run < 50; ++run) {
        sum += static_cast<float>(i);
        ASSERT_EQ(step(*mine, static_cast<float>(i), 0)[0], sum);
      }
    });
  }
}

TEST(CudaArena, is_the_weights_and_a_part_of_what_nodes_read_and_write_within_bounds) {
  constexpr std::uint64_t kMiB = 1 << 20;
  EXPECT_EQ(cuda_arena_bytes(8 * kMiB, 0), 9 * kMiB + 256 * kMiB);
  EXPECT_EQ(cuda_arena_bytes(0, kMiB), 64 * kMiB);
  EXPECT_EQ(cuda_arena_bytes(0, 1000 * kMiB), 250 * kMiB);
  EXPECT_EQ(cuda_arena_bytes(0, 9000 * kMiB), 1024 * kMiB);
}

}  // namespace
}  // namespace talkrt::nn
