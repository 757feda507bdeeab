// SPDX-License-Identifier: Apache-2.0
//
// Who is refused, who is evicted, and who is asked, when memory runs short: of the host, and of a GPU, which
// is emulated.
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <talkrt/error.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "engine/src/pipelines/needs.hpp"
#include "tests/engine/session/emulated_gpu.hpp"

namespace talkrt::session {
namespace {

namespace fs = std::filesystem;
using device::MemoryKind;

/// Every test on both devices: what guards the one guards the other.
class Budgets : public OnGpu, public ::testing::WithParamInterface<talkrt_device> {
 protected:
  static bool on_gpu() { return GetParam() == TALKRT_DEVICE_CUDA; }
  static MemoryKind kind() { return on_gpu() ? MemoryKind::device : MemoryKind::host; }

  void SetUp() override {
    OnGpu::SetUp();
    fs::create_directories(folder_);
  }
  void TearDown() override {
    OnGpu::TearDown();
    fs::remove_all(folder_);
  }

  [[nodiscard]] std::string plan(const std::string& name) const {
    const fs::path path = folder_ / name;
    if (!fs::exists(path)) fs::copy_file(kTinyPlan, path);
    return path.string();
  }
  /// 0: no limit.
  static std::shared_ptr<Engine> limited(std::uint64_t bytes, EngineConfig config = with_threads(1)) {
    config.device = GetParam();
    (on_gpu() ? config.device_budget : config.host_budget) = bytes;
    return engine(std::move(config));
  }
  static std::uint64_t held(const Engine& engine) {
    return const_cast<Engine&>(engine).budget().used(kind());
  }
  /// Of an engine that has loaded nothing, and of a model.
  static std::pair<std::uint64_t, std::uint64_t> needs() {
    const auto probe = limited(0);
    const std::uint64_t base = held(*probe);
    const auto model = probe->load(kTinyPlan);
    return {base, held(*probe) - base};
  }
  /// For an engine and `models` and a half of another.
  static std::uint64_t room_for(int models) {
    const auto [base, each] = needs();
    return base + each * static_cast<std::uint64_t>(models) + each / 2;
  }
  static std::string refusal(const std::function<void()>& call,
                             talkrt_status code = TALKRT_ERROR_OUT_OF_BUDGET) {
    try {
      call();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "nothing was refused";
    return "";
  }
  static void expect_text(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  }

 private:
  fs::path folder_ = fs::temp_directory_path() / ("talkrt-budgets-test-" + std::to_string(::getpid()));
};

INSTANTIATE_TEST_SUITE_P(On, Budgets, ::testing::Values(TALKRT_DEVICE_CPU, TALKRT_DEVICE_CUDA),
                         [](const auto& on) { return on.param == TALKRT_DEVICE_CPU ? "cpu" : "gpu"; });

TEST_P(Budgets, who_was_used_least_recently_goes_first_however_it_was_loaded) {
  const auto shared = limited(room_for(2));
  std::weak_ptr<const Model> a, b;
  {
    auto first = shared->load(plan("a.plan"));
    a = first;
    b = shared->load(plan("b.plan"));
    first->note_use();  // as a handle's end does: a was in use until now, b never was
  }
  const auto c = shared->load(plan("c.plan"));
  EXPECT_FALSE(a.expired());
  EXPECT_TRUE(b.expired());
}

TEST_P(Budgets, the_host_may_keep_an_idle_model_and_another_one_goes) {
  struct Host {
    std::vector<std::string> asked;
    static int32_t keeps_a(void* self, const char* path) {
      static_cast<Host*>(self)->asked.emplace_back(path);
      return !std::string(path).ends_with("a.plan");
    }
  } host;
  EngineConfig config = with_threads(1);
  config.may_evict = {Host::keeps_a, &host};
  const auto shared = limited(room_for(2), config);
  const std::weak_ptr<const Model> a = shared->load(plan("a.plan")), b = shared->load(plan("b.plan"));
  const auto c = shared->load(plan("c.plan"));
  EXPECT_FALSE(a.expired());
  EXPECT_TRUE(b.expired());
  EXPECT_EQ(host.asked, (std::vector{plan("a.plan"), plan("b.plan")}));
  // Now only a is idle: the breakdown says who keeps it.
  const std::string why = refusal([&] { (void)shared->load(plan("d.plan")); });
  expect_text(why, "engine: memory budget exceeded: the load of " + plan("d.plan") + " asks for ");
  expect_text(why, "; idle, and kept because the host wants them: " + plan("a.plan"));
  EXPECT_FALSE(a.expired());
}

TEST_P(Budgets, what_could_not_fit_beside_those_in_use_evicts_nobody) {
  const auto shared = limited(room_for(2));
  const auto used = shared->load(plan("a.plan"));
  const std::weak_ptr<const Model> idle = shared->load(plan("b.plan"));
  const std::uint64_t before = held(*shared);
  talkrt_session_config huge = default_session_config();
  huge.width = huge.height = 4096;
  huge.frame_memory = on_gpu() ? TALKRT_FRAMES_DEVICE : TALKRT_FRAMES_HOST;
  const BudgetOverride none{BudgetOverride::kNoBudget, BudgetOverride::kNoBudget};
  (void)shared->load(plan("a.plan"), none);  // else the plan's own budget refuses
  const std::string why = refusal([&] { (void)Session::create(shared, used, huge); });
  expect_text(why, "asks for");
  expect_text(why, "b.plan");
  EXPECT_FALSE(idle.expired());
  EXPECT_EQ(held(*shared), before);
}

TEST_P(Budgets, a_session_evicts_too_and_may_evict_may_not_use_its_engine) {
  const auto [base, each] = needs();
  const std::uint64_t head = [&] {
    const auto probe = limited(0);
    const auto one = session(default_session_config(), probe);
    return held(*probe) - base - each;
  }();
  struct Host {
    Engine* engine = nullptr;
    std::string path, load, describe;
    static int32_t ask(void* self, const char*) {
      auto& host = *static_cast<Host*>(self);
      host.load = refusal([&] { (void)host.engine->load(host.path); }, TALKRT_ERROR_INVALID_ARGUMENT);
      host.describe = refusal([&] { (void)host.engine->describe_json(); }, TALKRT_ERROR_INVALID_ARGUMENT);
      return 1;
    }
  } host;
  EngineConfig config = with_threads(1);
  config.may_evict = {Host::ask, &host};
  const auto shared = limited(base + each + head + each / 2, config);
  host.engine = shared.get();
  host.path = plan("a.plan");
  const std::weak_ptr<const Model> idle = shared->load(host.path);
  const auto one = session(default_session_config(), shared);
  EXPECT_TRUE(idle.expired());
  expect_text(host.load, "may_evict called its engine");
  EXPECT_EQ(host.load, host.describe);
  EXPECT_EQ(nlohmann::json::parse(shared->describe_json())["memory"]["evictions"], 1);
}

TEST_P(Budgets, a_load_may_have_other_budgets_than_its_plan_which_refuse_with_a_breakdown) {
  const std::uint64_t each = needs().second;
  const auto shared = limited(0);
  const auto only = [](std::uint64_t bytes) {
    return on_gpu() ? BudgetOverride{0, bytes} : BudgetOverride{bytes, 0};
  };
  const std::weak_ptr<const Model> idle = shared->load(plan("b.plan"));
  const std::string why = refusal([&] { (void)shared->load(plan("a.plan"), only(each / 2)); });
  EXPECT_TRUE(why.starts_with(plan("a.plan") + ": memory budget exceeded: the load asks for ")) << why;
  EXPECT_FALSE(idle.expired()) << "a plan's own budget evicts nobody";
  const auto model = shared->load(plan("a.plan"), only(each));
  const auto limit = [&] {
    return on_gpu() ? model->budget().limits().device : model->budget().limits().host;
  };
  EXPECT_EQ(limit(), each);
  expect_text(refusal([&] { (void)Session::create(shared, model, default_session_config()); }),
              " of session asks for");
  EXPECT_EQ(shared->load(plan("a.plan")), model);
  EXPECT_EQ(limit(), each) << "a load without budgets leaves them";
  EXPECT_EQ(shared->load(plan("a.plan"), only(BudgetOverride::kNoBudget)), model);
  EXPECT_EQ(limit(), 0u);
  const auto session = Session::create(shared, model, default_session_config());
  expect_text(refusal([&] { (void)shared->load(plan("a.plan"), only(each)); }), "is less than what is held");
  EXPECT_EQ(limit(), 0u);
}

TEST_P(Budgets, the_account_stands_beside_the_systems_figures) {
  setenv("TALKRT_NVML", FAKE_NVML, 1);
  setenv("FAKE_NVML_PROCESSES", "self:1073741824", 1);
  const auto shared = limited(std::uint64_t{3} << 30);
  const auto model = shared->load(plan("a.plan"));
  auto memory = nlohmann::json::parse(shared->describe_json())["memory"];
  EXPECT_GT(memory["host_process_bytes"], 0);
  EXPECT_EQ(memory["host_difference_bytes"].get<std::int64_t>(),
            memory["host_process_bytes"].get<std::int64_t>() - memory["host_bytes"].get<std::int64_t>() -
                memory["pinned_bytes"].get<std::int64_t>());
  EXPECT_EQ(memory["nvml"]["free_bytes"], std::uint64_t{15} << 30);
  EXPECT_EQ(memory["nvml"]["uuid"], "GPU-whole");
  EXPECT_FALSE(memory["nvml"].contains("which")) << "CUDA tells the address, on the CPU too";
  if (on_gpu()) {
    EXPECT_EQ(memory["device_budget_bytes"], std::uint64_t{3} << 30);
    EXPECT_EQ(memory["device_bytes"], held(*shared));
    EXPECT_EQ(memory["device_process_bytes"], 1073741824);
    EXPECT_EQ(memory["device_difference_bytes"], 1073741824 - static_cast<std::int64_t>(held(*shared)));
    EXPECT_EQ(memory["models"][0]["device_bytes"], model->device_bytes());
    setenv("FAKE_NVML_PROCESSES", "1:5", 1);
    memory = nlohmann::json::parse(shared->describe_json())["memory"];
    EXPECT_TRUE(memory["device_process_bytes"].is_null());
    EXPECT_TRUE(memory["device_difference_bytes"].is_null());
    expect_text(memory["nvml"]["process_missing"], "is not among the 1 that NVML lists");
  } else {
    EXPECT_FALSE(memory.contains("device_bytes"));
  }
  unsetenv("TALKRT_NVML");
  unsetenv("FAKE_NVML_PROCESSES");
}

TEST_P(Budgets, threads_that_load_draw_and_ask_at_once_stay_within_the_budget) {
  struct Host {
    std::atomic<int> asked = 0;
    static int32_t ask(void* self, const char*) { return static_cast<Host*>(self)->asked++ % 3 != 0; }
  } host;
  EngineConfig config = with_threads(1);
  config.may_evict = {Host::ask, &host};
  const std::uint64_t room = room_for(3);
  const auto shared = limited(room, config);
  const std::vector<std::string> paths{plan("a.plan"), plan("b.plan"), plan("c.plan"), plan("d.plan")};
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < 3; ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t i = 0; i < 6; ++i) {
          try {
            const auto model = shared->load(paths[(t + i) % paths.size()]);
            const auto head = Session::create(shared, model, default_session_config());
          } catch (const Error& error) {
            EXPECT_EQ(error.code(), TALKRT_ERROR_OUT_OF_BUDGET) << error.what();
          }
          EXPECT_LE(held(*shared), room);
          (void)shared->describe_json();
        }
      });
    }
  }
  EXPECT_LE(held(*shared), room);
}

/// Of every model, what is known before a load, and what the load then holds.
TEST_P(Budgets, what_a_load_is_said_to_need_it_takes) {
  for (const char* name : {"tiny", "tiny_scene", "tiny_avatar", "golden_talkinggaussian",
                           "golden_gaussiantalker", "tiny_vasa1"}) {
    const auto shared = limited(0);
    const std::string path = std::string(TALKRT_TEST_DATA "/") + name + ".plan";
    const plan::Plan read(path);
    std::uint64_t host = 0, device = 0;
    for (const auto& part :
         pipelines::needs_of(read, [&]() -> nn::Backend& { return shared->backend(); }, shared->gpu())) {
      EXPECT_GT(part.bytes, 0u) << name << ": " << part.what;
      (part.kind == MemoryKind::device ? device : host) += part.bytes;
    }
    const auto model = shared->load(path);
    EXPECT_EQ(device, model->device_bytes()) << name;
    if (model->manifest().is_scene()) {  // some of it is held for a moment only
      host -= read.bytes().size();
      if (on_gpu()) host = 0;
    }
    EXPECT_LE(host, model->host_bytes()) << name;
    // Packed weights take whole pages; speech that a portrait's model heard last is not in the sum.
    EXPECT_GE(host + host / 8 + (std::uint64_t{300} << 10), model->host_bytes()) << name;
  }
}

TEST_P(Budgets, a_load_that_cannot_fit_is_refused_at_once_with_all_its_parts) {
  const auto shared = limited(0);
  const std::uint64_t calls = talkrt_emulation_calls("cudaMalloc");
  const BudgetOverride one = on_gpu() ? BudgetOverride{0, 1} : BudgetOverride{1, 0};
  std::string why = refusal([&] { (void)shared->load(plan("a.plan"), one); });
  expect_text(why, ", 1 B of 1 B are left; held now: 0 B");
  if (on_gpu()) {
    expect_text(why, " of device memory (Gaussians on the GPU ");
  } else {
    for (const char* part :
         {" of host memory (plan file 21.4 KiB, ", "graph speech_to_motion ", "Gaussians ", "rig "}) {
      expect_text(why, part);
    }
  }
  why = refusal([&] { (void)shared->load(TALKRT_TEST_DATA "/golden_gaussiantalker.plan", one); });
  for (const std::string part : {"Gaussians", "networks of the Gaussians"}) {
    expect_text(why, part + (on_gpu() ? " on the GPU " : " "));
  }
  EXPECT_EQ(talkrt_emulation_calls("cudaMalloc"), calls);
}

using FullGpu = OnGpu;

TEST_F(FullGpu, a_load_beyond_what_the_gpu_has_free_takes_nothing_and_lists_who_holds_what) {
  const auto shared = gpu_engine();
  const std::uint64_t before = talkrt_emulation_bytes_taken();
  talkrt_emulation_set_memory_limit(before + 1000);
  const std::uint64_t calls = talkrt_emulation_calls("cudaMalloc");
  try {
    (void)shared->load(kTinyPlan);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), TALKRT_ERROR_OUT_OF_MEMORY);
    const std::string why = error.what();
    EXPECT_NE(why.find("engine: the GPU is full: the load of "), std::string::npos) << why;
    EXPECT_NE(why.find(" of device memory (Gaussians on the GPU "), std::string::npos) << why;
    EXPECT_NE(why.find("1000 B are free; held now: "), std::string::npos) << why;
    EXPECT_NE(why.find("poses on the GPU"), std::string::npos) << why;
  }
  EXPECT_EQ(talkrt_emulation_calls("cudaMalloc"), calls);
  EXPECT_EQ(talkrt_emulation_bytes_taken(), before);
}

TEST_F(FullGpu, idle_models_go_before_a_load_is_refused) {
  const auto shared = gpu_engine();
  const std::weak_ptr<const Model> idle = shared->load(kTinyPlan);
  talkrt_emulation_set_memory_limit(talkrt_emulation_bytes_taken() + 1000);
  const auto scene = shared->load(TALKRT_TEST_DATA "/tiny_scene.plan");
  EXPECT_TRUE(idle.expired());
}

/// A head is loaded and begins to speak beside an idle model.
class RefusingGpu : public OnEmulatedGpu {
 protected:
  struct Outcome {
    bool evicted = false;
    std::uint64_t calls = 0;  // of the CUDA runtime
    std::string refusal;      // "": it speaks
  };

  /// While the GPU has no memory at its `nth` call, once.
  Outcome speak(const std::string& beside, std::uint64_t nth) {
    const std::weak_ptr<const Model> idle = shared_->load(beside);
    const std::uint64_t before = talkrt_emulation_calls(nullptr);
    Outcome out;
    talkrt_emulation_fail(nth, kNoMemory);
    try {
      (void)Session::create(shared_, shared_->load(kTinyPlan), default_session_config());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), TALKRT_ERROR_OUT_OF_MEMORY) << error.what();
      out.refusal = error.what();
    }
    talkrt_emulation_restore();
    out.calls = talkrt_emulation_calls(nullptr) - before;
    out.evicted = idle.expired();
    forget_all();
    return out;
  }

  bool keep_ = false;  // what the host says
  static constexpr std::uint64_t kNever = UINT64_MAX / 2;
  static constexpr const char* kScene = TALKRT_TEST_DATA "/tiny_scene.plan";

 private:
  void SetUp() override {
    OnEmulatedGpu::SetUp();
    EngineConfig config = with_threads(1);
    config.may_evict = {[](void* keep, const char*) { return int32_t{!*static_cast<const bool*>(keep)}; },
                        &keep_};
    shared_ = gpu_engine(config);
  }
  void TearDown() override {
    shared_.reset();
    OnEmulatedGpu::TearDown();
  }
  void forget_all() {
    const bool keep = std::exchange(keep_, false);
    for (const MemoryKind kind : {MemoryKind::device, MemoryKind::host}) {
      EXPECT_THROW(shared_->with_room([&]() -> int {
        throw device::BudgetRefusal(TALKRT_ERROR_OUT_OF_MEMORY, "", nullptr, kind, 1);
      }),
                   Error);
    }
    keep_ = keep;
  }

  static constexpr int kNoMemory = 2;  // cudaErrorMemoryAllocation
  std::shared_ptr<Engine> shared_;
};

TEST_F(RefusingGpu, makes_idle_models_go_although_the_account_allows_and_is_told_with_who_holds_what) {
  const std::string beside =
      (fs::temp_directory_path() / ("talkrt-idle-" + std::to_string(::getpid()) + ".plan")).string();
  fs::copy_file(kTinyPlan, beside);
  const Outcome sound = speak(kScene, kNever);
  EXPECT_FALSE(sound.evicted);
  std::vector<std::uint64_t> evicting, pinned;
  for (std::uint64_t nth = 0; nth < sound.calls; nth += 5) {  // all of them take seconds
    const Outcome refused = speak(kScene, nth);
    if (refused.evicted) evicting.push_back(nth);
    if (refused.refusal.empty()) continue;
    EXPECT_NE(refused.refusal.find(" of pinned memory for "), std::string::npos)
        << "a scene holds memory of the GPU alone; call " << nth << ": " << refused.refusal;
    pinned.push_back(nth);
  }
  ASSERT_GT(evicting.size(), 3u);
  ASSERT_FALSE(pinned.empty());
  const Outcome helped = speak(beside, pinned.back());
  EXPECT_TRUE(helped.evicted && helped.refusal.empty()) << helped.refusal;
  keep_ = true;
  std::string refusals;
  for (const std::uint64_t nth : {evicting.front(), evicting.back(), pinned.back()}) {
    const Outcome kept = speak(beside, nth);
    EXPECT_FALSE(kept.evicted);
    EXPECT_NE(kept.refusal.find("; held now: "), std::string::npos) << kept.refusal;
    EXPECT_TRUE(kept.refusal.ends_with("; idle, and kept because the host wants them: " + beside))
        << kept.refusal;
    refusals += kept.refusal + "\n";
  }
  for (const char* part :
       {"engine: the GPU refused ", " of device memory for \"", "engine: the system refused ",
        " of pinned memory for \"", ", which the budgets allow: GPU 0 (emulation): CUDA failed at "}) {
    EXPECT_NE(refusals.find(part), std::string::npos) << part << " is not in\n" << refusals;
  }
  fs::remove(beside);
}

TEST(RefusingSystem, makes_idle_models_go_one_at_a_time_and_lists_the_rest) {
  const auto shared = engine(with_threads(1));
  const std::weak_ptr<const Model> older = shared->load(TALKRT_TEST_DATA "/tiny_scene.plan"),
                                   newer = shared->load(kTinyPlan);
  std::size_t bytes = std::size_t{1} << 50;  // more than any system has
  shared->with_room([&] { return device::Buffer(shared->budget(), "frames", std::exchange(bytes, 64)); });
  EXPECT_TRUE(older.expired());
  EXPECT_FALSE(newer.expired());
  bool once = true;
  shared->with_room([&] { return std::exchange(once, false) ? throw std::bad_alloc() : 0; });
  EXPECT_TRUE(newer.expired());
  try {
    shared->with_room([&] { return device::Buffer(shared->budget(), "frames", std::size_t{1} << 50); });
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), TALKRT_ERROR_OUT_OF_MEMORY);
    EXPECT_STREQ(error.what(),
                 "engine: the system refused 1048576.0 GiB of host memory for \"frames\", which the budgets "
                 "allow; held now: 0 B");
  }
}

}  // namespace
}  // namespace talkrt::session
