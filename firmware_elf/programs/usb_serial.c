/* A serial port behind USB (CDC-ACM), by registers alone: it returns in capitals what is typed, and
 * ends after a line "bye". What goes on is told over UART0.
 */
#include "m0plus.h"
#include "print.h"
#include "resets.h"
#include "usb.h"

enum { NOTICES = 1, DATA = 2, MANUFACTURER = 1, PRODUCT = 2, TEXTS = 3 };
enum {
    GET_DESCRIPTOR = 6,
    SET_ADDRESS = 5,
    SET_CONFIGURATION = 9,
    SET_LINE_CODING = 0x20,
    GET_LINE_CODING = 0x21,
    SET_CONTROL_LINE_STATE = 0x22
};
enum { TO_DEVICE = 0x00, FROM_DEVICE = 0x80, TO_INTERFACE = 0x21, FROM_INTERFACE = 0xa1 };

#define WORD(value) (value) & 0xff, (value) >> 8

/* USB 2.0, 9.6 */
static const uint8_t device_descriptor[] = {
    18, 1, WORD(0x0200), 0x02, 0, 0, USB_PACKET, WORD(0x1209), WORD(0x0001), WORD(0x0100),
    MANUFACTURER, PRODUCT, 0, 1,
};

static const uint8_t configuration_descriptor[] = {
    9, 2, WORD(67), 2, 1, 0, 0x80, 50,
    9, 4, 0, 0, 1, 0x02, 0x02, 0, 0, /* communication, ACM */
    5, 0x24, 0, WORD(0x0110),
    5, 0x24, 1, 0, 1,
    4, 0x24, 2, 2,
    5, 0x24, 6, 0, 1,
    7, 5, 0x80 | NOTICES, 3, WORD(8), 16,
    9, 4, 1, 0, 2, 0x0a, 0, 0, 0, /* its data */
    7, 5, DATA, 2, WORD(USB_PACKET), 0,
    7, 5, 0x80 | DATA, 2, WORD(USB_PACKET), 0,
};

static const char *const texts[TEXTS] = {0, "priot", "serial port in capitals"};

static uint8_t line_coding[7] = {WORD(9600), 0, 0, 0, 0, 8};
static uint8_t text_descriptor[64];
static const uint8_t *to_send; /* the rest of a control transfer's data */
static uint32_t left;
static int takes_line_coding, in_pid, out_pid, new_address;
static volatile int is_open, is_sending, came; /* bytes that wait in the OUT buffer */

/* 4.1.2.7.1: the other bits must be there some cycles before AVAILABLE. */
static void arm(io_rw_32 *buffer_control, uint32_t value)
{
    *buffer_control = value;
    __asm__ volatile("b 1f\n1: b 1f\n1: b 1f\n1: b 1f\n1: b 1f\n1: b 1f\n1:" ::: "memory");
    *buffer_control = value | USB_BUF_AVAILABLE_BITS;
}

static void copy(volatile uint8_t *to, const volatile uint8_t *from, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        to[i] = from[i];
}

static void send_control_packet(void)
{
    const uint32_t size = left < USB_PACKET ? left : USB_PACKET;
    copy(usb_dpram->ep0_buffer[0], to_send, size);
    to_send += size;
    left -= size;
    arm(&usb_dpram->buffer_control[0].in,
        size | USB_BUF_FULL_BITS | (in_pid ? USB_BUF_DATA1_BITS : 0));
    in_pid ^= 1;
}

static void answer(const uint8_t *data, uint32_t size, uint32_t asked)
{
    to_send = data;
    left = size < asked ? size : asked;
    send_control_packet();
}

static void stall(void)
{
    usb_hw->ep_stall_arm = 3;
    usb_dpram->buffer_control[0].in = USB_BUF_STALL_BITS;
    usb_dpram->buffer_control[0].out = USB_BUF_STALL_BITS;
}

static void answer_descriptor(uint32_t kind, uint32_t number, uint32_t asked)
{
    if (kind == 1) {
        answer(device_descriptor, sizeof device_descriptor, asked);
    } else if (kind == 2) {
        answer(configuration_descriptor, sizeof configuration_descriptor, asked);
    } else if (kind == 3 && number < TEXTS) {
        uint32_t size = 2;
        if (number == 0) {
            text_descriptor[size++] = 0x09;
            text_descriptor[size++] = 0x04;
        } else {
            for (const char *letter = texts[number]; *letter; letter++) {
                text_descriptor[size++] = (uint8_t)*letter;
                text_descriptor[size++] = 0;
            }
        }
        text_descriptor[0] = (uint8_t)size;
        text_descriptor[1] = 3;
        answer(text_descriptor, size, asked);
    } else {
        stall();
    }
}

static void open_endpoints(void)
{
    const uint32_t on = USB_EP_ENABLE_BITS | USB_EP_INTERRUPT_PER_BUFF_BITS;
    const uint32_t buffers = 0x180;
    usb_dpram->endpoint_control[NOTICES - 1].in =
        on | USB_EP_TYPE_INTERRUPT << USB_EP_TYPE_LSB | (buffers + 2 * USB_PACKET);
    usb_dpram->endpoint_control[DATA - 1].in =
        on | USB_EP_TYPE_BULK << USB_EP_TYPE_LSB | (buffers + USB_PACKET);
    usb_dpram->endpoint_control[DATA - 1].out =
        on | USB_EP_TYPE_BULK << USB_EP_TYPE_LSB | buffers;
    arm(&usb_dpram->buffer_control[DATA].out, USB_PACKET);
}

static void handle_setup(void)
{
    const volatile uint8_t *setup = usb_dpram->setup;
    const uint32_t asked = setup[6] | setup[7] << 8;
    usb_hw->sie_status = USB_SIE_STATUS_SETUP_REC_BITS;
    in_pid = 1;
    switch (setup[0] << 8 | setup[1]) {
    case FROM_DEVICE << 8 | GET_DESCRIPTOR:
        answer_descriptor(setup[3], setup[2], asked);
        break;
    case FROM_INTERFACE << 8 | GET_LINE_CODING:
        answer(line_coding, sizeof line_coding, asked);
        break;
    case TO_INTERFACE << 8 | SET_LINE_CODING:
        takes_line_coding = 1;
        arm(&usb_dpram->buffer_control[0].out, USB_PACKET | USB_BUF_DATA1_BITS);
        break;
    case TO_DEVICE << 8 | SET_ADDRESS:
        new_address = setup[2];
        answer(0, 0, 0);
        break;
    case TO_DEVICE << 8 | SET_CONFIGURATION:
        open_endpoints();
        answer(0, 0, 0);
        break;
    case TO_INTERFACE << 8 | SET_CONTROL_LINE_STATE:
        is_open = setup[2] & 1;
        answer(0, 0, 0);
        break;
    default:
        stall();
    }
}

static void handle_buffers(void)
{
    const uint32_t done = usb_hw->buff_status;
    usb_hw->buff_status = done;
    if (done & 1) { /* endpoint 0 IN */
        if (left) {
            send_control_packet();
        } else if (new_address) {
            usb_hw->addr_endp[0] = (uint32_t)new_address;
            new_address = 0;
        } else if (usb_dpram->setup[0] & 0x80) { /* the status of what was read */
            arm(&usb_dpram->buffer_control[0].out, USB_BUF_DATA1_BITS);
        }
    }
    if (done & 2 && takes_line_coding) {
        takes_line_coding = 0;
        copy(line_coding, usb_dpram->ep0_buffer[0], sizeof line_coding);
        answer(0, 0, 0);
    }
    if (done & 1 << 2 * DATA)
        is_sending = 0;
    if (done & 2 << 2 * DATA)
        came = (int)(usb_dpram->buffer_control[DATA].out & USB_BUF_LENGTH_BITS);
}

void isr_irq5(void)
{
    const uint32_t status = usb_hw->ints;
    if (status & USB_INTS_BUS_RESET_BITS) {
        usb_hw->sie_status = USB_SIE_STATUS_BUS_RESET_BITS;
        usb_hw->addr_endp[0] = 0;
    }
    if (status & USB_INTS_BUFF_STATUS_BITS)
        handle_buffers();
    if (status & USB_INTS_SETUP_REQ_BITS)
        handle_setup();
}

static void connect(void)
{
    reset_block_mask(RESETS_RESET_USBCTRL_BITS);
    unreset_block_mask_wait_blocking(RESETS_RESET_USBCTRL_BITS);
    for (uint32_t i = 0; i < 4096 / 4; i++)
        ((io_rw_32 *)USBCTRL_DPRAM_BASE)[i] = 0;
    irq_set_enabled(USBCTRL_IRQ, 1);
    usb_hw->muxing = USB_MUXING_TO_PHY_BITS | USB_MUXING_SOFTCON_BITS;
    usb_hw->pwr = USB_PWR_VBUS_DETECT_BITS | USB_PWR_VBUS_DETECT_OVERRIDE_EN_BITS;
    usb_hw->main_ctrl = USB_MAIN_CTRL_CONTROLLER_EN_BITS;
    usb_hw->sie_ctrl = USB_SIE_CTRL_EP0_INT_1BUF_BITS;
    usb_hw->inte = USB_INTS_BUFF_STATUS_BITS | USB_INTS_BUS_RESET_BITS | USB_INTS_SETUP_REQ_BITS;
    hw_set_bits(&usb_hw->sie_ctrl, USB_SIE_CTRL_PULLUP_EN_BITS);
}

static void send(const volatile uint8_t *data, uint32_t size)
{
    static int pid;
    sleep_while(is_sending);
    is_sending = 1;
    copy(usb_dpram->buffer[1], data, size);
    arm(&usb_dpram->buffer_control[DATA].in,
        size | USB_BUF_FULL_BITS | (pid ? USB_BUF_DATA1_BITS : 0));
    pid ^= 1;
}

int main(void)
{
    static const char bye[] = "bye\n";
    static uint8_t capitals[USB_PACKET];
    uint32_t matched = 0, total = 0;
    connect();
    sleep_while(!is_open);
    print_value("open, baud", line_coding[0] | line_coding[1] << 8 | line_coding[2] << 16);
    send((const uint8_t *)"ready\n", 6);
    while (matched < sizeof bye - 1) {
        sleep_while(!came);
        const uint32_t size = (uint32_t)came;
        for (uint32_t i = 0; i < size; i++) {
            const uint8_t letter = usb_dpram->buffer[0][i];
            matched = letter == bye[matched] ? matched + 1 : letter == bye[0];
            capitals[i] = letter >= 'a' && letter <= 'z' ? letter - 'a' + 'A' : letter;
        }
        came = 0;
        out_pid ^= 1;
        arm(&usb_dpram->buffer_control[DATA].out,
            USB_PACKET | (out_pid ? USB_BUF_DATA1_BITS : 0));
        send(capitals, size);
        total += size;
    }
    sleep_while(is_sending);
    print_value("bytes", (int32_t)total);
    send((const uint8_t *)"closed\n", 7); /* the host has it later, though this program ends */
    return 0;
}
